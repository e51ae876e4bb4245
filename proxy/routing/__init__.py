"""Choices, pure: which upstream and model serve a name, and why.

`aliases` turns the model name of a request into ordered candidates. It calls nobody and knows no clock.
"""

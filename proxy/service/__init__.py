"""One request, end to end: from the validated body to the events of the answer.

`messages` serves `/v1/messages`: routes the name, opens one candidate after the other, decodes, judges and
hands the events on. `record` notes what happens to one request and announces it; `connections` keeps one
upstream client a provider; `models` and `count_tokens` answer from memory. It does not know HTTP towards the
client: statuses and headers are `server`'s, which is given events and errors.
"""

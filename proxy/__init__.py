"""The proxy: answers the Anthropic Messages API and serves each request with the model the user chose.

`server` takes HTTP in and out; `service` carries one request from end to end; `upstreams` call other
services; `dialects` translate to and from what those speak; `routing` chooses; `messages` is the
protocol itself. Arrows point down that list only. It announces what happened as frozen `events` and
knows nothing of the window (`gui`) or of the program around it (`app`).
"""

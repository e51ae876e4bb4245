"""What arguments of the command line may be: each takes a text, and says what is wrong with it."""

from __future__ import annotations

import argparse


def host(text: str) -> str:
    """Takes an address to listen on."""
    if not text.strip():  # the system would take it for every address of the machine
        raise argparse.ArgumentTypeError("an empty address; leave --host away to listen on 127.0.0.1")
    return text


def port(text: str) -> int:
    """Takes a port."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; give a number from 0 to 65535")
    return number


def amount(text: str) -> float:
    """Takes an amount of US dollars."""
    try:
        dollars = float(text)
    except ValueError:
        dollars = -1.0
    if not 0 <= dollars <= 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is no amount; give US dollars, such as 2.50")
    return dollars


def count(text: str) -> int:
    """Takes a number of things, from 1 on."""
    if not (text.isdecimal() and 1 <= int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of things; give one from 1 on")
    return int(text)

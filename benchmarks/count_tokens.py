"""How far token estimates are from what upstreams counted, and how long an estimate takes.

    python -m benchmarks.count_tokens [--each]

Reads the recordings under SIGNALBOX_TEST_DATA (default ../shared). A hash of the recording's name decides
whether it is of the half that the constants of proxy/messages/token_families.py were fitted on or of the half
that judges them; "constants fair" leaves out of the judged half what its own constants were read from.
`--each` lists every recording.
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.inputs.recorded_counts import LeftOut, Recorded, read_recordings
from proxy.messages.request import MessagesRequest
from proxy.messages.token_estimate import estimate_tokens
from proxy.messages.token_families import family_of
from proxy.messages.vocabulary import load

MEDIAN_LIMIT = 0.05
P90_LIMIT = 0.15
_MODELS = ("claude-sonnet-4-5", "claude-opus-5", "gpt-4o", "gemini-2.5-flash", "deepseek-chat", "qwen3")
_BODY_BYTES = 400_000


def error_of(recorded: Recorded) -> float:
    """Returns the absolute relative error of our estimate."""
    return abs(estimate_tokens(recorded.request, recorded.model) - recorded.actual) / recorded.actual


def plain_error_of(recorded: Recorded) -> float:
    """Returns the same for the characters of the body divided by four."""
    return abs(recorded.characters / 4 - recorded.actual) / recorded.actual


def quantile(values: Sequence[float], share: float) -> float:
    """Returns the value that `share` of the values do not exceed, between neighbours by their distance."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def is_within_limits(half: Sequence[Recorded]) -> bool:
    """Tells whether our errors keep both limits."""
    errors = [error_of(each) for each in half]
    return quantile(errors, 0.5) <= MEDIAN_LIMIT and quantile(errors, 0.9) <= P90_LIMIT


def main() -> int:
    """Prints the tables; 1 where a limit is missed on the judged half, 2 without recordings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--each", action="store_true", help="list every recording")
    show_each = parser.parse_known_args()[0].each
    folder = Path(os.environ.get("SIGNALBOX_TEST_DATA", "../shared")) / "recordings"
    if not folder.is_dir():
        print(f"no recordings at {folder}: set SIGNALBOX_TEST_DATA to the folder that holds recordings/")
        return 2
    found = read_recordings(folder)
    usable = [each for each in found if isinstance(each, Recorded)]
    judged = [each for each in usable if each.is_judged]
    fitted = [each for each in usable if not each.is_judged]
    _print_left_out([each for each in found if isinstance(each, LeftOut)], len(found))
    print(f"\n{'':24}{'n':>5}{'ours: median':>14}{'p90':>8}{'chars/4: median':>18}{'p90':>8}")
    fair = [each for each in judged if not each.is_only_witness]
    rows = (
        ("fitted half", fitted),
        ("judged half", judged),
        ("judged, constants fair", fair),
        ("both", usable),
    )
    for name, half in rows:
        _print_row(name, half)
    for family in sorted({_group(each) for each in usable}):
        _print_row(f"  {family}", [each for each in judged if _group(each) == family])
    if show_each:
        _print_each(usable)
    _print_speed()
    is_good = is_within_limits(judged) and is_within_limits(fair)
    print(f"\njudged half within {MEDIAN_LIMIT:.0%} (median) and {P90_LIMIT:.0%} (p90): {is_good}")
    return 0 if is_good else 1


def _group(recorded: Recorded) -> str:
    return family_of(recorded.model).name.split("-")[0]


def _print_left_out(left_out: Sequence[LeftOut], total: int) -> None:
    print(f"{total - len(left_out)} of {total} recordings are counted; left out:")
    for reason, count in Counter(each.reason for each in left_out).most_common():
        print(f"{count:5}  {reason}")


def _print_row(name: str, half: Sequence[Recorded]) -> None:
    if not half:
        return
    ours, plain = [error_of(each) for each in half], [plain_error_of(each) for each in half]
    print(
        f"{name:24}{len(half):5}{quantile(ours, 0.5):14.1%}{quantile(ours, 0.9):8.1%}"
        f"{quantile(plain, 0.5):18.1%}{quantile(plain, 0.9):8.1%}"
    )


def _print_each(usable: Sequence[Recorded]) -> None:
    print(f"\n{'recorded':>9}{'ours':>8}{'error':>8}  half    recording")
    for each in sorted(usable, key=error_of, reverse=True):
        half = "judged" if each.is_judged else "fitted"
        estimate = estimate_tokens(each.request, each.model)
        print(f"{each.actual:9}{estimate:8}{error_of(each):8.1%}  {half}  {each.name}")


def _large_request() -> MessagesRequest:
    sources = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    text = "".join(path.read_text("utf-8", "replace") for path in sources)[:_BODY_BYTES]
    blocks = [{"type": "text", "text": text[at : at + 8000]} for at in range(0, len(text), 8000)]
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": blocks}]}
    return MessagesRequest.model_validate(body)


def _print_speed() -> None:
    large = _large_request()
    tool = {"name": "Read", "description": "Reads a file. " * 40, "input_schema": {"type": "object"}}
    small = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "foo"}], "tools": [tool]}
    burst = [MessagesRequest.model_validate(small)] * 25
    print(f"\n{'milliseconds':24}{'load':>8}{'400 KB, new':>14}{'again':>8}{'25 x foo + tool':>18}")
    for model in _MODELS:
        vocabulary = family_of(model).vocabulary
        load.cache_clear()
        times = (
            _milliseconds(lambda name=vocabulary: load(name)),
            _milliseconds(lambda name=model: estimate_tokens(large, name)),
            _milliseconds(lambda name=model: estimate_tokens(large, name), 5),
            _milliseconds(lambda name=model: [estimate_tokens(each, name) for each in burst], 5),
        )
        print(f"{model:24}{times[0]:8.1f}{times[1]:14.1f}{times[2]:8.1f}{times[3]:18.1f}")


def _milliseconds(work: Callable[[], object], rounds: int = 1) -> float:
    """Returns the best of the rounds: the rest is what else the machine did."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best * 1000


if __name__ == "__main__":
    sys.exit(main())

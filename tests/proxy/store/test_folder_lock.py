"""One process a data folder, and whether one has it can be asked without taking it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.store.folder_lock import FolderLock, is_in_use
from proxy.store.values import StoreError, StoreFailure


def test_a_second_lock_is_refused_until_the_first_is_given_back(home: Path) -> None:
    lock = FolderLock(home)
    with pytest.raises(StoreError) as caught:
        FolderLock(home)
    assert caught.value.failure is StoreFailure.IN_USE
    lock.release()
    FolderLock(home).release()


def test_whether_a_folder_is_in_use_is_asked_without_taking_it(home: Path) -> None:
    assert not is_in_use(home / "store")
    assert not (home / "store").exists()
    lock = FolderLock(home)
    assert is_in_use(home)
    lock.release()
    assert not is_in_use(home)


def test_a_lock_that_cannot_be_opened_is_for_the_store_to_tell(home: Path) -> None:
    (home / "store.lock").mkdir()
    assert not is_in_use(home)

"""Windows' way to hold a child and all it starts: a job object that ends them when its last handle closes."""

from __future__ import annotations

import ctypes
import signal
import sys
from ctypes import wintypes

import psutil

CREATION_FLAGS = 0x0000_0004 | 0x0000_0200 | 0x0800_0000
"""CREATE_SUSPENDED (until it is in its job), CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW."""

_KILL_ON_JOB_CLOSE = 0x0000_2000
_EXTENDED_LIMITS = 9
_SET_QUOTA_AND_TERMINATE = 0x0100 | 0x0001
_ENDED_BY_US = 1


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class Job:
    """The job of one child."""

    def __init__(self, pid: int) -> None:
        """Puts the suspended process into a new job and lets it run.

        Raises:
            OSError: It could not be held; it was ended unrun.
        """
        self._pid = pid
        self._handle: int | None = None
        if sys.platform == "win32":
            self._hold()

    def end(self, *, hard: bool) -> None:
        """Asks the child to stop by Ctrl+Break, or ends everyone in the job."""
        if sys.platform == "win32" and self._handle is not None:
            if hard:
                _kernel().TerminateJobObject(self._handle, _ENDED_BY_US)
                return
            try:
                psutil.Process(self._pid).send_signal(signal.CTRL_BREAK_EVENT)
            except (psutil.Error, OSError):
                return

    def close(self) -> None:
        """Lets the job go; whoever still is in it ends."""
        if sys.platform == "win32" and self._handle is not None:
            _kernel().CloseHandle(self._handle)
            self._handle = None

    if sys.platform == "win32":

        def _hold(self) -> None:
            kernel = _kernel()
            job = kernel.CreateJobObjectW(None, None)
            limits = _ExtendedLimits()
            limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
            process = kernel.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, self._pid)
            is_held = (
                job
                and process
                and kernel.SetInformationJobObject(
                    job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
                )
                and kernel.AssignProcessToJobObject(job, process)
            )
            failure = None if is_held else ctypes.WinError(ctypes.get_last_error())
            if failure is not None and process:
                kernel.TerminateProcess(process, _ENDED_BY_US)
            if process:
                kernel.CloseHandle(process)
            if failure is not None:
                if job:
                    kernel.CloseHandle(job)
                raise failure
            self._handle = job
            psutil.Process(self._pid).resume()


if sys.platform == "win32":

    def _kernel() -> ctypes.WinDLL:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
        kernel.SetInformationJobObject.argtypes = (
            wintypes.HANDLE,
            ctypes.c_int,
            ctypes.c_void_p,
            wintypes.DWORD,
        )
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
        kernel.TerminateProcess.argtypes = (wintypes.HANDLE, wintypes.UINT)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        return kernel

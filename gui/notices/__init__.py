"""Notifications of the desktop: who shows them, and which of them stand while calls wait.

`session_bus` is a D-Bus connection that lives in Qt's event loop; `bus_notices` talks over it to the
desktop's notification service, with buttons; `desktop` falls back to the tray's messages where no service
answers. `approval_notices` keeps what is shown in step with what waits, and knows only `notice.Notifier`.
"""

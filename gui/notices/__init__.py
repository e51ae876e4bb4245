"""Notifications of the desktop: who shows them, and which of them stand while calls wait.

`session_bus` is a D-Bus connection that lives in Qt's event loop; `bus_notices` talks over it to the
desktop's notification service, with buttons. `approval_notices` keeps what is shown in step with what
waits, and knows only `notice.Notifier`: where no service answers, the tray's own messages stand in.
"""

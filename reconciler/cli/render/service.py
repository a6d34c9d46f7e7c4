"""Units for the service managers of the platforms: a hardened systemd service, a launchd job, a Windows task, a line for cron.

Printed, never installed: whoever runs the host reads it first and puts it where it belongs; the first lines say where.
"""

from __future__ import annotations

import plistlib
import shlex
from collections.abc import Sequence
from enum import StrEnum
from xml.sax.saxutils import escape

from reconciler.app.service import Service


class Manager(StrEnum):
    """Who starts the loop and keeps it running."""

    SYSTEMD = "systemd"
    LAUNCHD = "launchd"
    WINDOWS = "windows"
    CRON = "cron"


def render(service: Service, manager: Manager) -> str:
    """The text of the file."""
    match manager:
        case Manager.SYSTEMD:
            return _systemd(service)
        case Manager.LAUNCHD:
            return _launchd(service)
        case Manager.WINDOWS:
            return _windows(service)
        case Manager.CRON:
            return _cron(service)


def _systemd(service: Service) -> str:
    written = " ".join(_quoted(f"-{path}" if path != service.state else str(path)) for path in service.written)
    confined = f"ProtectSystem=strict\nReadWritePaths={written}\n{_HARDENING}"
    return _SYSTEMD.format(
        name=service.name,
        specs=_specifiers(str(service.specs)),
        state=shlex.quote(str(service.state)),
        command=" ".join(_quoted(word) for word in service.command("--watch")),
        hardening=_OPEN if service.allow_commands else confined,
    )


_SYSTEMD = """\
# /etc/systemd/system/{name}.service, then:
#   mkdir -p -m 700 {state}; systemctl daemon-reload; systemctl enable --now {name}
[Unit]
Description=Reconciler: backups as declared in {specs}
Documentation=man:systemd.exec(5)
After=local-fs.target network-online.target time-sync.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
# The first look at slow repositories may take long; afterwards a sign of life is due.
TimeoutStartSec=10min
WatchdogSec=5min
# SIGTERM lets what is under way reach its checkpoint.
TimeoutStopSec=90s
KillMode=mixed
Restart=always
RestartSec=10s
RestartPreventExitStatus=64
SuccessExitStatus=143
# What people do on this host goes first.
Nice=10
CPUSchedulingPolicy=batch
IOSchedulingClass=best-effort
IOSchedulingPriority=7
UMask=0077
{hardening}
[Install]
WantedBy=multi-user.target
"""

_HARDENING = """\
# It reads what is declared, also of other users, and writes only to the folders above. /tmp stays the real one: a source may lie there.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_FOWNER
NoNewPrivileges=yes
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateDevices=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_OPEN = """\
# The specs may run commands of this host (--allow-commands), and nobody here knows what those need: not confined further.
NoNewPrivileges=yes
"""


def _launchd(service: Service) -> str:
    label = f"org.{service.name}.loop"
    job = {
        "Label": label,
        "ProgramArguments": list(service.command("--watch")),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 10,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
        "ExitTimeOut": 90,
        "Umask": 0o077,
        "StandardOutPath": str(service.state / "loop.log"),
        "StandardErrorPath": str(service.state / "loop.log"),
    }
    text = plistlib.dumps(job, sort_keys=False).decode()
    head, _, body = text.partition("\n")
    note = f"<!-- /Library/LaunchDaemons/{label}.plist, then: launchctl bootstrap system /Library/LaunchDaemons/{label}.plist -->"
    return f"{head}\n{note}\n{body}"


def _windows(service: Service) -> str:
    program, *words = service.command("--watch")
    return _WINDOWS.format(name=service.name, program=escape(program), arguments=escape(_windows_line(words)))


_WINDOWS = """\
<?xml version="1.0" encoding="UTF-16"?>
<!-- Save as {name}.xml (UTF-16), then as administrator: schtasks /Create /TN {name} /XML {name}.xml -->
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><BootTrigger><Enabled>true</Enabled></BootTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>8</Priority>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author"><Exec><Command>{program}</Command><Arguments>{arguments}</Arguments></Exec></Actions>
</Task>
"""


def _cron(service: Service) -> str:
    line = shlex.join(("nice", "-n", "10", *service.command("--log-level", "warning")))
    return (
        "# crontab -e; every five minutes one pass: what is due is done, the rest waits. Cron mails what goes wrong (MAILTO).\n"
        "# A pass that finds another one under way leaves it alone (exit code 5).\n"
        f"*/5 * * * * {line.replace('%', chr(92) + '%')} >/dev/null\n"
    )


def _quoted(word: str) -> str:
    """One word of a command line of systemd: no specifier, no variable, no white space that ends it."""
    plain = _specifiers(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{plain}"' if not plain or any(char.isspace() or char in "\"'\\;" for char in plain) else plain


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _windows_line(words: Sequence[str]) -> str:
    from subprocess import list2cmdline

    return list2cmdline(words)

"""The program that stands for a forked one (`forking`): it hands over what it was given, and ends as that one does.

Run by path, with `python -I -S`, it imports nothing that is not built in, so that it starts in some ten milliseconds.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import marshal
import os
import sys

PASSED_ON = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM, _signal.SIGUSR1, _signal.SIGUSR2)


def main() -> None:
    """Start `sys.argv[2:]`, a script with its arguments, from the process that listens at `sys.argv[1]`."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(sys.argv[1])
    job = marshal.dumps((sys.argv[2:], dict(os.environ), os.getcwd()))
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    for number in PASSED_ON:
        _signal.signal(number, lambda received, _: connection.send(bytes([received])))
    connection.sendmsg([len(job).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    connection.sendall(job)
    os.closerange(0, 3)  # else whoever reads what the program writes would not see that it has closed it
    status = int.from_bytes(connection.recv(4), "big", signed=True)
    if status < 0:
        _signal.signal(-status, _signal.SIG_DFL) if -status in PASSED_ON else None
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()

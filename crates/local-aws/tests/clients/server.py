"""The program `local-aws`, and the function that the clients deploy."""

import io
import pathlib
import subprocess
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[4]
BINARY = ROOT / "target" / "debug" / "local-aws"
BOOTSTRAP = ROOT / "target" / "release" / "bootstrap"
# Answers `shell` as a proxied function does.
SHELL = r"""#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEAD=$(mktemp)
while true; do
  EVENT=$(curl -sS -D "$HEAD" "$API/invocation/next") || exit 9
  ID=$(grep -i lambda-runtime-aws-request-id "$HEAD" | tr -d '\r' | cut -d' ' -f2)
  echo "asked $ID"
  curl -sS -o /dev/null --data-binary '{"statusCode":200,"body":"shell"}' "$API/invocation/$ID/response"
done
"""


class Server:
    """The real binary over a new folder; ended by its process id."""

    def __init__(self, folder):
        command = [str(BINARY), "serve", "--folder", str(folder), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = next((word for word in line.split() if word.startswith("http://")), None)
        if self.url is None:
            self.end()
            raise RuntimeError(f"the first line is no URL: {line!r}")

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def package():
    """A zip of the real function where it is built, and of one in shell elsewhere."""
    return archive(BOOTSTRAP.read_bytes() if BOOTSTRAP.exists() else SHELL.encode())


def shell_package():
    """A zip of a function that answers `shell`."""
    return archive(SHELL.encode())


def archive(content):
    out = io.BytesIO()
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o100755 << 16
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, content)
    return out.getvalue()

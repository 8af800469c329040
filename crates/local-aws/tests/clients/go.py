"""The AWS SDK for Go v2 against the local AWS, where Go and the SDK are at hand as Debian's packages have them."""

import os
import pathlib
import shutil
import subprocess

from server import ROOT

HERE = pathlib.Path(__file__).resolve().parent / "go"
SOURCES = pathlib.Path("/usr/share/gocode")
PROGRAM = ROOT / "target" / "clients-go" / "clients"


def is_here():
    return shutil.which("go") is not None and (SOURCES / "src/github.com/aws/aws-sdk-go-v2").is_dir()


def version():
    told = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "golang-github-aws-aws-sdk-go-v2-dev"], capture_output=True, text=True
    )
    return f"AWS SDK for Go {told.stdout.split('-')[0]}".strip()


def run(server, folder, package):
    """Name and outcome of each test."""
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(SOURCES), "GOFLAGS": "-buildvcs=false"}
    subprocess.run(["go", "build", "-o", str(PROGRAM), "main.go"], cwd=HERE, env=environment, check=True)
    path = folder / "go.zip"
    path.write_bytes(package)
    told = subprocess.run([str(PROGRAM), server.url, str(path)], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    lines = [line.split(" ", 1) for line in told.stdout.splitlines()]
    return [(name, outcome == "ok") for outcome, name in lines]

"""Clients written by others against the local AWS, each over `target/debug/local-aws serve` with a folder of its own.

boto3 and the AWS CLI are installed into a virtual environment below target/, the SDK for JavaScript beside it; Terraform, Node
and Go are used where the machine has them. Names of clients as arguments leave the others out.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

from server import ROOT, Server, shell_package

VENV = ROOT / "target" / "clients"
PACKAGES = ["boto3==1.44.8", "awscli==1.46.3"]


def enter_venv():
    """Goes on in an interpreter that has boto3 and the CLI."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix) == VENV:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    subprocess.run(install, check=True)
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


def each(world, tests):
    """Name and outcome of each test, in their order: what one makes, the next uses."""
    for test in tests:
        try:
            test(world)
            yield test.__name__, True
        except Exception:
            traceback.print_exc()
            yield test.__name__, False


def boto_runs(server, folder):
    import boto

    yield from each(boto.World(server.url, folder), boto.TESTS)


def terraform_runs(server, folder):
    import terraform

    yield from each(terraform.Terraform(server, folder, shell_package()), terraform.TESTS)


def javascript_runs(server, folder):
    import javascript

    yield from javascript.run(server, folder, shell_package())


def go_runs(server, folder):
    import go

    yield from go.run(server, folder, shell_package())


def clients():
    """Name, what it is, and its tests, of every client that is at hand."""
    import go
    import javascript
    import terraform

    yield "boto", " and ".join(package.replace("==", " ") for package in PACKAGES), boto_runs
    if javascript.is_here():
        yield "javascript", javascript.version(), javascript_runs
    if go.is_here():
        yield "go", go.version(), go_runs
    if terraform.is_here():
        yield "terraform", terraform.version(), terraform_runs


def main(names):
    passed, failed, tried = 0, 0, []
    for name, what, run in clients():
        if names and name not in names:
            continue
        tried.append(what)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            server = Server(folder / "aws")
            outcomes = []
            try:
                outcomes = [*run(server, folder)]
            except Exception:
                traceback.print_exc()
                outcomes = [("runs", False)]
            finally:
                outcomes.append(("the server ends in order", server.end() == 0))
        for test, is_right in outcomes:
            print(f"{'ok     ' if is_right else 'FAILED '} {name}: {test}")
            passed, failed = passed + is_right, failed + (not is_right)
    print(f"clients: {', '.join(tried)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    enter_venv()
    sys.exit(main(sys.argv[1:]))

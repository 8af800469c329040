"""Terraform's AWS provider against the local AWS: a whole stack is applied, changed and destroyed, without a difference after each.

The provider is taken from a filesystem mirror (`TF_MIRROR`, else /opt/tf-plugins); without Terraform or a mirror nothing is tried.
"""

import json
import os
import pathlib
import shutil
import subprocess
import urllib.error
import urllib.request

MIRROR = pathlib.Path(os.environ.get("TF_MIRROR", "/opt/tf-plugins"))
STACK = pathlib.Path(__file__).resolve().parent / "terraform" / "main.tf"
CHANGE = {
    "memory": "256",
    "message": "second",
    "actions": '["dynamodb:GetItem", "dynamodb:PutItem"]',
    "rate": "20",
    "days": "14",
}


def is_here():
    return shutil.which("terraform") is not None and MIRROR.is_dir()


def version():
    told = subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True, check=True).stdout
    providers = sorted(path.name for path in MIRROR.glob("*/hashicorp/aws/*"))
    return f"Terraform {json.loads(told)['terraform_version']} with the AWS provider {providers[-1]}"


class Terraform:
    def __init__(self, server, folder, package):
        self.folder = folder / "terraform"
        self.folder.mkdir()
        shutil.copy(STACK, self.folder)
        (folder / "package.zip").write_bytes(package)
        configuration = folder / "terraformrc"
        configuration.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{MIRROR}" }} }}\n')
        self.server = server
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(configuration),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TF_VAR_endpoint": server.url,
            "TF_VAR_package": str(folder / "package.zip"),
        }
        self.run("init", "-input=false", "-no-color")

    def run(self, *arguments, codes=(0,), change=None):
        environment = {**self.environment, **{f"TF_VAR_{name}": value for name, value in (change or {}).items()}}
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode in codes, f"terraform {' '.join(arguments)}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout

    def apply(self, change=None):
        return self.run("apply", "-auto-approve", "-input=false", "-no-color", change=change)

    def is_unchanged(self, change=None):
        """An empty plan; its exit code is 2 where there is a difference."""
        return self.run("plan", "-detailed-exitcode", "-input=false", "-no-color", change=change)

    def output(self):
        values = json.loads(self.run("output", "-json"))
        return {name: value["value"] for name, value in values.items()}

    def request(self, output, body):
        """Status, headers and body of a POST to the deployed API."""
        url = f"{self.server.url}/restapis/{output['api']}/Prod/_user_request_/items"
        headers = {"content-type": "application/json", "x-api-key": output["key"]}
        request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()


def equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def applied(terraform):
    terraform.apply()
    output = terraform.output()
    equal(output["account"], "700000000082")
    status, _, body = terraform.request(output, {"id": "a"})
    equal((status, body), (200, "shell"))
    status, headers, body = terraform.request(output, {"of": "another form"})
    equal((status, headers["x-told"], json.loads(body)), (422, "first", {"told": "Invalid request body"}))


def unchanged(terraform):
    terraform.is_unchanged()


def changed(terraform):
    before = terraform.output()
    terraform.apply(CHANGE)
    after = terraform.output()
    equal(int(after["version"]), int(before["version"]) + 1)
    status, headers, _ = terraform.request(after, {"of": "another form"})
    equal((status, headers["x-told"]), (422, "second"))


def unchanged_again(terraform):
    terraform.is_unchanged(CHANGE)


def destroyed(terraform):
    terraform.run("destroy", "-auto-approve", "-input=false", "-no-color", change=CHANGE)
    equal(terraform.run("state", "list"), "")


TESTS = [applied, unchanged, changed, unchanged_again, destroyed]

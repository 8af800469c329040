"""Sends the same seeded random requests to the lab's Python function and to ours, and compares.

Each side has a database of its own (`cargo build -p handler --examples` makes it). The original runs as Lambda runs
it, boto3 under AWS's runtime client, in this process; ours is the real bootstrap, driven through a Runtime API served
here. Answers are compared one by one, the tables every 500 requests and at the end.

Documented improvements are not skipped but checked: a number the original refuses as a float is sent to it again as
a Decimal, a set or binary as Python's own, and what it then does is what ours must have done.
"""

import argparse
import base64
import collections
import decimal
import http.server
import json
import os
import pathlib
import queue
import random
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VENV = ROOT / "target" / "venv"
PACKAGES = ["boto3==1.44.5", "awslambdaric==4.2.2"]


def enter_venv():
    """Runs this script again inside the virtual environment, which it makes the first time."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix) == VENV:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    if subprocess.run([python, "-c", "import boto3, awslambdaric"], stderr=subprocess.DEVNULL).returncode:
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    os.execv(python, [str(python), *sys.argv])


# --- Requests ----------------------------------------------------------------------------------------------------

TEXTS = ["", "a", "Bob", "é", "漢字", "😀", "\u0000\u001f", "\"\\/", "\u2028", "x" * 300, "1", "true", "null", " ", "\u200b"]
NAMES = ["name", "number", "flag", "list", "map", "note", "S", "N", "L", "BOOL", "NULL", "é", "a b", "#x", "size"]
IDS = [str(n) for n in range(12)] + ["", "é", "x" * 40]


class Random(random.Random):
    def chance(self, share):
        return self.random() < share

    def integer(self):
        kind = self.randrange(8)
        if kind < 3:
            return self.randint(-20, 20)
        if kind < 5:
            return self.randint(-(10**12), 10**12)
        if kind < 6:
            return self.randint(-(10**38) + 1, 10**38 - 1)
        if kind < 7:
            return self.randint(1, 9) * 10 ** self.randint(0, 37)
        return self.choice([10**38, 10**38 + 1, -(10**40) + 3, 10**127, 10**130 + 7, 0])

    def fraction(self):
        digits = "".join(self.choice("0123456789") for _ in range(self.choice([1, 2, 5, 17, 30])))
        text = f"{self.randint(-99, 99)}.{digits}"
        if self.chance(0.3):
            text = f"{self.randint(-99, 99)}.5e{self.randint(-30, 30)}"
        return Fraction(text)

    def value(self, depth=0):
        kind = self.randrange(100)
        if kind < 30:
            return self.choice(TEXTS)
        if kind < 60:
            return self.integer()
        if kind < 64:
            return self.fraction()
        if kind < 72:
            return self.choice([True, False])
        if kind < 78:
            return None
        if kind < 81:
            return self.special()
        if depth > 4:
            return "deep"
        if kind < 90:
            return [self.value(depth + 1) for _ in range(self.randrange(4))]
        return {self.choice(NAMES): self.value(depth + 1) for _ in range(self.randrange(4))}

    def special(self):
        kind = self.choice(["SS", "NS", "BS", "B"])
        count = self.randint(1, 3)
        if kind == "SS":
            return {"SS": self.sample(["a", "b", "é", "漢"], count)}
        if kind == "NS":
            return {"NS": self.sample(["1", "-2.5", "1000000000000000000000000000000000001", "7"], count)}
        blobs = [base64.b64encode(bytes([n] * n)).decode() for n in (1, 2, 3, 9)]
        return {"BS": self.sample(blobs, count)} if kind == "BS" else {"B": self.choice(blobs)}

    def junk(self):
        return self.choice([None, 5, -1, 0, 1.5, True, "x", "", [], [1, "a", None], {}, {"a": 1}, {"a": {"b": [None]}}])


class Fraction:
    """A non-integer number as the text it is sent as."""

    def __init__(self, text):
        self.text = text


def to_text(value):
    if isinstance(value, Fraction):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {to_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(to_text(v) for v in value) + "]"
    return json.dumps(value)


CONDITIONS = [
    ("attribute_exists(id)", {}, {}),
    ("attribute_not_exists(id)", {}, {}),
    ("attribute_exists(#n)", {"#n": "name"}, {}),
    ("#n = :v", {"#n": "name"}, {":v": "value"}),
    ("#n <> :v", {"#n": "number"}, {":v": "value"}),
    ("#n > :v", {"#n": "number"}, {":v": "number"}),
    ("#n BETWEEN :a AND :v", {"#n": "number"}, {":a": "number", ":v": "number"}),
    ("note IN (:a, :v)", {}, {":a": "value", ":v": "value"}),
    ("begins_with(note, :v)", {}, {":v": "text"}),
    ("contains(#l, :v)", {"#l": "list"}, {":v": "value"}),
    ("size(note) > :v", {}, {":v": "number"}),
    ("attribute_type(note, :v)", {}, {":v": "type"}),
    ("NOT attribute_exists(note) OR flag = :v", {}, {":v": "value"}),
    ("#n = ", {"#n": "name"}, {}),
    ("", {}, {}),
    ("#n = :missing", {"#n": "name"}, {}),
    ("note = :v", {"#unused": "name"}, {":v": "value"}),
]

UPDATES = [
    ("SET note = :v", {}, {":v": "value"}),
    ("SET #n = :v, note = :a", {"#n": "name"}, {":v": "value", ":a": "value"}),
    ("SET #n = if_not_exists(#n, :v)", {"#n": "number"}, {":v": "number"}),
    ("SET #n = #n + :v", {"#n": "number"}, {":v": "number"}),
    ("SET #n = #n - :v", {"#n": "number"}, {":v": "number"}),
    ("SET #l = list_append(if_not_exists(#l, :e), :v)", {"#l": "list"}, {":v": "list", ":e": "empty"}),
    ("SET #m.#n = :v", {"#m": "map", "#n": "name"}, {":v": "value"}),
    ("REMOVE note, #n", {"#n": "name"}, {}),
    ("REMOVE #l[0]", {"#l": "list"}, {}),
    ("ADD #n :v", {"#n": "number"}, {":v": "number"}),
    ("DELETE tags :v", {}, {":v": "set"}),
    ("ADD tags :v", {}, {":v": "set"}),
    ("SET id = :v", {}, {":v": "value"}),
    ("SET", {}, {}),
    ("SET note = :v REMOVE #n ADD #c :v", {"#n": "flag", "#c": "count"}, {":v": "number"}),
]


class Generator:
    def __init__(self, seed):
        self.random = Random(seed)

    def event(self):
        r = self.random
        if r.chance(0.03):
            return r.choice([None, 5, 1.5, True, "text", [], [1], {}, {"payload": {}}, {"operation": None},
                             {"operation": []}, {"operation": {"a": 1}}, {"operation": 1.5}, {"operation": "Create"},
                             {"operation": 1e22}, {"operation": "ping", "tableName": None}])
        operation = r.choice(["create"] * 5 + ["read"] * 3 + ["update"] * 5 + ["delete"] * 2 + ["list"] * 4 + ["echo"])
        if r.chance(0.01):
            operation = r.choice(["ping", "query", "", "create "])
        table = "lab" if r.chance(0.7) else "ranged"
        event = {"operation": operation, "tableName": table}
        event["payload"] = self.payload(operation, table)
        if r.chance(0.02):
            event.pop(r.choice(list(event)))
        if r.chance(0.02):
            event["payload"] = r.junk()
        if r.chance(0.01):
            event["tableName"] = r.choice(["missing", "", "x", "a b", 5, "lab!", None])
        return event

    def payload(self, operation, table):
        r = self.random
        if operation in ("echo", "ping", "query", "", "create "):
            return r.value()
        parameters = {
            "create": self.create, "read": self.read, "update": self.update, "delete": self.delete, "list": self.list,
        }[operation](table)
        for name in list(parameters):
            if r.chance(0.015):
                parameters[name] = r.junk()
        if r.chance(0.01):
            parameters[r.choice(["Foo", "item", "self", "parent", "KeyConditions", "Limit", "Key", "Segment"])] = r.junk()
        if r.chance(0.02):
            parameters.pop(r.choice(list(parameters)), None) if parameters else None
        if r.chance(0.01):
            parameters["TableName"] = r.choice(["lab", "ranged", "missing", "", 5, None, [], {}])
        if r.chance(0.3):
            entries = list(parameters.items())
            r.shuffle(entries)
            parameters = dict(entries)
        return parameters

    def key(self, table):
        r = self.random
        key = {"id": r.choice(IDS)} if table == "lab" else {"pk": r.choice(["a", "b"]), "sk": r.randint(0, 4)}
        if r.chance(0.03):
            key[r.choice(["id", "pk", "extra"])] = r.value()
        return key

    def common(self, parameters, is_write):
        r = self.random
        if r.chance(0.3):
            parameters["ReturnConsumedCapacity"] = r.choice(["NONE", "TOTAL", "INDEXES", "indexes"])
        if is_write and r.chance(0.15):
            parameters["ReturnItemCollectionMetrics"] = r.choice(["SIZE", "NONE", "BAD"])
        if is_write and r.chance(0.1):
            parameters["ReturnValuesOnConditionCheckFailure"] = r.choice(["ALL_OLD", "NONE", "BAD"])

    def placeholder(self, kind):
        r = self.random
        if kind == "number" and r.chance(0.9):
            return r.integer()
        if kind == "text":
            return r.choice(TEXTS)
        if kind == "type":
            return r.choice(["S", "N", "M", "L", "SS", "X", 5])
        if kind == "list" and r.chance(0.9):
            return [r.value(2)]
        if kind == "empty":
            return []
        if kind == "set":
            return r.special() if r.chance(0.7) else r.value()
        return r.value(2)

    def expression(self, parameters, name, templates):
        expression, names, values = self.random.choice(templates)
        parameters[name] = expression
        if names:
            parameters.setdefault("ExpressionAttributeNames", {}).update(names)
        if values:
            values = {placeholder: self.placeholder(kind) for placeholder, kind in values.items()}
            parameters.setdefault("ExpressionAttributeValues", {}).update(values)

    def expected(self):
        r = self.random
        entry = {}
        if r.chance(0.5):
            entry["Value"] = r.value(3)
        if r.chance(0.4):
            entry["Exists"] = r.choice([True, False])
        if r.chance(0.3):
            entry["ComparisonOperator"] = r.choice(["EQ", "NE", "GT", "NULL", "NOT_NULL", "CONTAINS", "BAD"])
        if r.chance(0.3):
            entry["AttributeValueList"] = [r.value(3) for _ in range(r.randrange(3))]
        if r.chance(0.03):
            entry["Foo"] = 1
        return {r.choice(["name", "number", "note"]): entry}

    def conditions(self, parameters):
        r = self.random
        if r.chance(0.3):
            self.expression(parameters, "ConditionExpression", CONDITIONS)
        elif r.chance(0.12):
            parameters["Expected"] = self.expected()
            if r.chance(0.3):
                parameters["ConditionalOperator"] = r.choice(["AND", "OR", "X"])

    def create(self, table):
        r = self.random
        item = self.key(table)
        for _ in range(r.randrange(6)):
            item[r.choice(NAMES)] = r.value()
        if table == "ranged" and r.chance(0.7):
            item["other"] = r.choice(["x", "y"])
            item["local"] = r.choice([r.integer(), "s"])
        parameters = {"Item": item}
        self.conditions(parameters)
        if r.chance(0.3):
            parameters["ReturnValues"] = r.choice(["NONE", "ALL_OLD", "ALL_NEW", "BAD"])
        self.common(parameters, True)
        return parameters

    def projection(self, parameters):
        r = self.random
        if r.chance(0.25):
            self.expression(parameters, "ProjectionExpression", [
                ("id, note", {}, {}), ("#n", {"#n": "name"}, {}), ("#m.#n, #l[0]", {"#m": "map", "#n": "name", "#l": "list"}, {}),
                ("id, id", {}, {}), ("name", {}, {}), ("", {}, {}), ("#z", {}, {})])
        elif r.chance(0.1):
            parameters["AttributesToGet"] = r.choice([["id"], ["id", "note"], [], ["id", 5], ["id", "id"]])

    def read(self, table):
        r = self.random
        parameters = {"Key": self.key(table)}
        self.projection(parameters)
        if r.chance(0.3):
            parameters["ConsistentRead"] = r.choice([True, False])
        self.common(parameters, False)
        return parameters

    def update(self, table):
        r = self.random
        parameters = {"Key": self.key(table)}
        if r.chance(0.75):
            self.expression(parameters, "UpdateExpression", UPDATES)
        elif r.chance(0.7):
            updates = {}
            for _ in range(r.randint(1, 2)):
                update = {}
                if r.chance(0.85):
                    update["Value"] = r.value(3)
                if r.chance(0.8):
                    update["Action"] = r.choice(["PUT", "PUT", "ADD", "DELETE", "BAD"])
                updates[r.choice(["name", "number", "note", "tags"])] = update
            parameters["AttributeUpdates"] = updates
        self.conditions(parameters)
        if r.chance(0.5):
            parameters["ReturnValues"] = r.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "BAD"])
        self.common(parameters, True)
        return parameters

    def delete(self, table):
        r = self.random
        parameters = {"Key": self.key(table)}
        self.conditions(parameters)
        if r.chance(0.4):
            parameters["ReturnValues"] = r.choice(["NONE", "ALL_OLD", "ALL_NEW"])
        self.common(parameters, True)
        return parameters

    def list(self, table):
        r = self.random
        parameters = {}
        if r.chance(0.3):
            parameters["Limit"] = r.choice([1, 2, 5, 1000, 0, -1, True, 1.5, 10**20])
        if r.chance(0.2):
            parameters["ExclusiveStartKey"] = self.key(table)
        if r.chance(0.15):
            parameters["Select"] = r.choice(["COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "X"])
        if r.chance(0.2):
            parameters["Segment"] = r.choice([0, 1, 2, -1])
            if r.chance(0.9):
                parameters["TotalSegments"] = r.choice([1, 2, 4, 0])
        if r.chance(0.15):
            parameters["IndexName"] = r.choice(["by-other", "by-local", "missing", "ab"])
        if r.chance(0.2):
            parameters["ConsistentRead"] = r.choice([True, False, "yes"])
        self.projection(parameters)
        if r.chance(0.3):
            self.expression(parameters, "FilterExpression", CONDITIONS)
        elif r.chance(0.15):
            condition = {"ComparisonOperator": r.choice(["EQ", "NOT_NULL", "NULL", "GT", "BEGINS_WITH", "IN", "X"])}
            if r.chance(0.8):
                condition["AttributeValueList"] = [r.value(3) for _ in range(r.randrange(3))]
            if r.chance(0.05):
                condition.pop("ComparisonOperator")
            parameters["ScanFilter"] = {r.choice(["name", "number", "note"]): condition}
            if r.chance(0.3):
                parameters["ConditionalOperator"] = r.choice(["AND", "OR"])
        self.common(parameters, False)
        return parameters


# --- The original ------------------------------------------------------------------------------------------------

class Database:
    """A local DynamoDB in a process of its own, with the two tables."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        import boto3

        self.client = boto3.client("dynamodb", endpoint_url=self.url)
        string, number = "S", "N"
        self.client.create_table(
            TableName="lab", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": string}])
        self.client.create_table(
            TableName="ranged", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in
                                  [("pk", string), ("sk", number), ("other", string), ("local", number)]],
            GlobalSecondaryIndexes=[{
                "IndexName": "by-other", "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"}}],
            LocalSecondaryIndexes=[{
                "IndexName": "by-local",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "local", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"}}])

    def contents(self):
        items = []
        for table in ("lab", "ranged"):
            for page in self.client.get_paginator("scan").paginate(TableName=table):
                items += [(table, json.dumps(item, sort_keys=True, default=repr)) for item in page["Items"]]
        return sorted(items)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def revive(value):
    """Sets and binary in our documented form, as Python's own."""
    from boto3.dynamodb.types import Binary

    if isinstance(value, list):
        return [revive(v) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (tag, inner), = value.items()
        if tag == "B" and isinstance(inner, str):
            return Binary(base64.b64decode(inner))
        if tag in ("SS", "NS", "BS") and isinstance(inner, list):
            convert = {"SS": str, "NS": decimal.Decimal, "BS": lambda b: Binary(base64.b64decode(b))}[tag]
            return {convert(v) for v in inner}
    return {k: revive(v) for k, v in value.items()}


def express(value):
    """The inverse, for an answer the original cannot marshal. Sets have no order."""
    from boto3.dynamodb.types import Binary

    if isinstance(value, dict):
        return {k: express(v) for k, v in value.items()}
    if isinstance(value, list):
        return [express(v) for v in value]
    if isinstance(value, Binary):
        return {"B": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, (set, frozenset)):
        first = next(iter(value))
        if isinstance(first, decimal.Decimal):
            return {"NS": sorted(str(v) for v in value)}
        if isinstance(first, str):
            return {"SS": sorted(value)}
        return {"BS": sorted(base64.b64encode(bytes(v)).decode() for v in value)}
    return value


class Original:
    def __init__(self, url):
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
        from awslambdaric import bootstrap

        sys.dont_write_bytecode = True
        sys.path.insert(0, str(HERE))
        import lab_function

        self.bootstrap = bootstrap
        self.function = lab_function.lambda_handler
        from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

        self.marshaller = LambdaMarshaller()
        self.outcome = None

    # What the runtime client is called with.
    def post_invocation_result(self, _id, result, *_):
        self.outcome = ("result", result)

    def post_invocation_error(self, _id, error, *_):
        error = json.loads(error)
        # A float that was sent again as a Decimal.
        message = error["errorMessage"].replace("<class 'decimal.Decimal'>", "<class 'float'>")
        self.outcome = ("error", {"errorType": error["errorType"], "errorMessage": message})

    def invoke(self, text, exact=False):
        self.returned = None

        def function(event, context):
            if exact:
                event = revive(json.loads(text, parse_float=decimal.Decimal))
            self.returned = self.function(event, context)
            return self.returned

        self.bootstrap.handle_event_request(
            self, function, "1", text, "application/json", None, None, "0", "arn:aws:lambda:f", None, LOG_SINK)
        return self.outcome

    def ask(self, text):
        """The outcome, and the names of the improvements it took to compare."""
        improvements = set()
        is_special = any(f'"{tag}": ' in text for tag in ("SS", "NS", "BS", "B"))
        is_echo = '"operation": "echo"' in text
        if is_special and not is_echo:
            improvements.add("sets and binary in requests")
        outcome = self.invoke(text, exact=is_special and not is_echo)
        if outcome[0] == "error" and outcome[1]["errorMessage"].startswith("Float types are not supported"):
            improvements.add("non-integer numbers")
            outcome = self.invoke(text, exact=True)
        if outcome[0] == "error" and outcome[1]["errorType"] == "Runtime.MarshalError":
            improvements.add("sets and binary in answers")
            outcome = ("result", dumps(express(self.returned)))
        return outcome, improvements


def dumps(value):
    import simplejson

    return simplejson.dumps(value, use_decimal=True)


class LogSink:
    def log_error(self, *_):
        pass

    log = log_error


LOG_SINK = LogSink()


# --- Ours --------------------------------------------------------------------------------------------------------

class RuntimeApi(http.server.ThreadingHTTPServer):
    """The side of Lambda a bootstrap talks to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), RuntimeApiRequest)
        self.events, self.outcomes = queue.Queue(), queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """The bootstrap ends with its connection open."""


class RuntimeApiRequest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0) or 0)) if "Content-Length" in self.headers else self.chunks()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()
        self.server.outcomes.put((self.path.rsplit("/", 1)[-1], body.decode()))

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass


class Ours:
    def __init__(self, program, url):
        self.api = RuntimeApi()
        self.log = open(ROOT / "target" / "differential.log", "w")
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_port}", "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL_DYNAMODB": url,
        }
        self.process = subprocess.Popen([program], env=environment, stdout=self.log)

    def invoke(self, text):
        self.api.events.put(text if isinstance(text, bytes) else text.encode())
        while True:
            try:
                kind, body = self.api.outcomes.get(timeout=1)
                break
            except queue.Empty:
                if self.process.poll() is not None:
                    raise SystemExit(f"the bootstrap ended with {self.process.returncode} on {text[:500]!r}")
        if kind == "response":
            return ("result", body)
        error = json.loads(body)
        return ("error", {"errorType": error["errorType"], "errorMessage": error["errorMessage"]})

    def ask(self, text):
        return self.invoke(text)

    def ask_as_proxy(self, text, as_base64):
        body = base64.b64encode(text.encode()).decode() if as_base64 else text
        kind, answer = self.invoke(json.dumps({
            "resource": "/DynamoDBManager", "path": "/DynamoDBManager", "httpMethod": "POST", "headers": {},
            "requestContext": {"stage": "Prod"}, "body": body, "isBase64Encoded": as_base64}))
        assert kind == "result", answer
        envelope = json.loads(answer)
        assert envelope["headers"]["x-request-id"] == "request-1", envelope
        if envelope["statusCode"] == 200:
            return ("result", envelope["body"])
        error = json.loads(envelope["body"])
        assert list(error) == ["errorType", "errorMessage"] and 400 <= envelope["statusCode"] < 500, envelope
        return ("error", error)

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.api.events.put(None)
        self.api.shutdown()


def check_hostile(ours):
    """What no original answers well: each is refused or echoed, and the next request is served."""
    bomb, ping = "[" * 200_000, ("result", '"pong"')
    large = json.dumps({"operation": "echo", "payload": "x" * 5_900_000})
    for event, error_type in [
        (b"", "Runtime.UnmarshalError"), (b"{", "Runtime.UnmarshalError"), (b"nul", "Runtime.UnmarshalError"),
        (b'{"operation": "\xff\xfe"}', "Runtime.UnmarshalError"), (bomb.encode(), "Runtime.UnmarshalError"),
        (b'{"operation": "echo", "payload": "\\ud800"}', "Runtime.UnmarshalError"),
        ((bomb + "]" * 200_000).encode(), "Runtime.UnmarshalError"), (b"[]", "TypeError"), (b"5", "TypeError"),
    ]:
        kind, answer = ours.invoke(event)
        assert kind == "error" and answer["errorType"] == error_type, (event[:80], kind, answer)
        assert ours.ask('{"operation": "ping"}') == ping
    assert ours.ask(large) == ("result", json.dumps("x" * 5_900_000))
    assert ours.ask_as_proxy(large, False)[0] == "result"
    for body in [bomb, "{", '"\\udfff"', "[]"]:
        kind, answer = ours.ask_as_proxy(body, True)
        assert kind == "error", answer
    assert ours.ask('{"operation": "ping", "operation": "ping"}') == ping


# --- Comparison --------------------------------------------------------------------------------------------------

VOLATILE_HEADERS = {"date", "x-amzn-requestid", "x-amz-crc32"}


def comparable(outcome):
    kind, answer = outcome
    if kind == "error":
        return outcome
    value = json.loads(answer, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
    if isinstance(value, dict) and isinstance(value.get("ResponseMetadata"), dict):
        metadata = value["ResponseMetadata"]
        metadata.pop("RequestId", None)
        metadata["HTTPHeaders"] = sorted(
            (k, v) for k, v in metadata.get("HTTPHeaders", {}).items() if k not in VOLATILE_HEADERS)
        metadata = list(metadata.items())
        return (kind, list(value), sort_sets(value), metadata)
    return (kind, None, sort_sets(value), None)


def is_same(expected, got, text, original, used):
    if comparable(expected) == comparable(got):
        return True
    if expected[0] == got[0] == "result" and '"operation": "echo"' in text:
        used.add("digits of echoed numbers")
        return json.loads(expected[1]) == json.loads(got[1])
    # Of several faults of one request the local database names any.
    if all(kind == "error" and "(ValidationException)" in answer["errorMessage"] for kind, answer in (expected, got)):
        return any(original.ask(text)[0] == got for _ in range(40))
    return False


def sort_sets(value):
    if isinstance(value, list):
        return [sort_sets(v) for v in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (tag, inner), = value.items()
            if tag in ("SS", "NS", "BS") and isinstance(inner, list) and all(isinstance(v, str) for v in inner):
                return {tag: sorted(inner, key=lambda v: decimal.Decimal(v) if tag == "NS" else v)}
        return {k: sort_sets(v) for k, v in value.items()}
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bootstrap", default=str(ROOT / "target/release/bootstrap"))
    parser.add_argument("--database", default=str(ROOT / "target/debug/examples/database"))
    options = parser.parse_args()
    enter_venv()
    os.environ.update(
        AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret",
        AWS_EXECUTION_ENV="AWS_Lambda_python3.12")

    databases = [Database(options.database), Database(options.database)]
    original, ours = Original(databases[0].url), Ours(options.bootstrap, databases[1].url)
    generator = Generator(options.seed)
    differences, improvements, kinds = 0, collections.Counter(), collections.Counter()
    try:
        for number in range(1, options.requests + 1):
            text = to_text(generator.event())
            expected, used = original.ask(text)
            form = generator.random.randrange(4)
            got = ours.ask(text) if form > 1 else ours.ask_as_proxy(text, form == 1)
            kinds[expected[1]["errorType"] if expected[0] == "error" else "answer"] += 1
            same = is_same(expected, got, text, original, used)
            improvements.update(used)
            if not same:
                differences += 1
                if differences <= 20:
                    print(f"--- {number}\n{text}\n< {expected}\n> {got}")
            if number % 500 == 0 or number == options.requests:
                contents = [database.contents() for database in databases]
                if contents[0] != contents[1]:
                    differences += 1
                    print(f"--- tables differ after {number}:", set(contents[0]) ^ set(contents[1]))
                    break
        items = len(databases[0].contents())
        check_hostile(ours)
    finally:
        ours.close()
        for database in databases:
            database.close()
    print(f"seed {options.seed}: {number} requests, {differences} differences, {items} items in the tables")
    print("outcomes:", ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    print("improvements checked:", ", ".join(f"{name} {count}" for name, count in sorted(improvements.items())))
    sys.exit(differences != 0)


if __name__ == "__main__":
    main()

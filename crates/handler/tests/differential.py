"""Sends the same seeded random requests to the lab's Python function and to ours, and compares.

Each side has a database of its own (`cargo build -p handler --examples` makes it). The original runs as Lambda runs
it, boto3 under AWS's runtime client, in this process; ours is the real bootstrap, driven through a Runtime API served
here. Answers are compared one by one, the tables every 500 requests and at the end.

Documented improvements are not skipped but checked. A number the original refuses, as a float or for its written digits,
is sent to it again as a Decimal, and what it then does is what ours must have done. A typed request, which the original
must refuse, is sent by boto3's client, which takes DynamoDB's JSON.
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
import re
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
LETTERS = ["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"]
WORDS = ["good", "bad", "AQ==", "AQ=", "AAEC", "no base64", "Zm9v", "", "1", "-2.5", "word", "wordy"]
TEXT_SET, NUMBER_SET = ["a", "b", "é", "漢"], ["1", "-2.5", "1000000000000000000000000000000000001", "7"]
BLOBS = [base64.b64encode(bytes([n] * n)).decode() for n in (1, 2, 3, 9)]
FORMAT = "AttributeFormat"
SETS_IN_ANSWERS, FRACTIONS, WRITTEN_OUT = "sets and binary in answers", "non-integer numbers", "written-out integers"
IDS = [str(n) for n in range(12)] + ["", "é", "x" * 40]


class Random(random.Random):
    def chance(self, share):
        return self.random() < share

    def integer(self):
        kind = self.randrange(9)
        if kind > 7:
            return self.written_out()
        if kind < 3:
            return self.randint(-20, 20)
        if kind < 5:
            return self.randint(-(10**12), 10**12)
        if kind < 6:
            return self.randint(-(10**38) + 1, 10**38 - 1)
        if kind < 7:
            return self.randint(1, 9) * 10 ** self.randint(0, 37)
        return self.choice([10**38, 10**38 + 1, -(10**40) + 3, 10**127, 10**130 + 7, 0])

    def digits(self, counts):
        return "".join(self.choice("0123456789") for _ in range(self.choice(counts)))

    def written_out(self):
        """An integer of up to 126 digits, of which up to 38 are significant."""
        significant = self.choice("123456789") + self.digits([0, 1, 5, 30, 37])
        return int(self.choice(["", "-"]) + significant + "0" * self.randint(0, 126 - len(significant)))

    def fraction(self):
        sign, zeros = self.choice(["", "-"]), "0" * self.randint(0, 90)
        exponent = f"{self.choice('eE')}{self.choice(['', '+', '-'])}{self.randint(0, 30)}"
        kind = self.randrange(10)
        if kind < 3:
            return Fraction(f"{self.randint(-99, 99)}.{self.digits([1, 2, 5, 17, 30])}")
        if kind < 5:
            return Fraction(f"{self.randint(-99, 99)}.5{self.choice(['', zeros])}{exponent}")
        if kind < 6:
            return Fraction(f"{sign}0.{zeros}{self.digits([1, 2, 5, 38])}{self.choice(['', '0' * 40, exponent])}")
        if kind < 7:
            return Fraction(f"{self.written_out()}.{self.choice(['0', '0' * 60])}")
        if kind < 8:
            return Fraction(f"{sign}{self.randint(1, 9)}{self.choice('eE')}{self.choice([-130, -129, -40, 40, 99, 125])}")
        if kind < 9:
            return Fraction(sign + self.choice(["0.0", "0e5", "0.000E-7", "0e300", f"0.{zeros}0", f"0e-{len(zeros)}99"]))
        return Fraction(self.choice(["1e126", "-1E-131", f"1.{'9' * 38}", f"{'8' * 39}.0", f"1{'0' * 126}.0", f"0.{'0' * 130}1"]))

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
        if kind < 86:
            return self.lettered(depth)
        if depth > 4:
            return "deep"
        if kind < 93:
            return [self.value(depth + 1) for _ in range(self.randrange(4))]
        return {self.choice(NAMES): self.value(depth + 1) for _ in range(self.randrange(4))}

    def lettered(self, depth=0):
        """A plain map with names of DynamoDB's types, most often one that looks like a typed value."""
        kind = self.randrange(12)
        letter = self.choice(LETTERS)
        if kind < 3:
            return {"B": self.choice(WORDS)}
        if kind < 5:
            return {self.choice(["SS", "NS", "BS"]): self.sample(WORDS, self.randrange(4))}
        if kind < 6:
            return self.typed_set()
        if kind < 7:
            return {"NULL": True}
        if kind < 9:
            return {"M": self.lettered(depth + 1)} if depth < 4 else {"M": {}}
        if kind < 10:
            return {"L": [self.lettered(depth + 1)]} if depth < 4 else {"L": []}
        if kind < 11:
            return {letter: self.choice(WORDS), self.choice(LETTERS): self.choice(WORDS)}
        return {letter: self.value(4)}

    def typed_set(self):
        kind = self.choice(["SS", "NS", "BS", "B"])
        if kind == "B":
            return {"B": self.choice(BLOBS)}
        return {kind: self.sample({"SS": TEXT_SET, "NS": NUMBER_SET, "BS": BLOBS}[kind], self.randint(1, 3))}

    def typed(self, value):
        """A value in DynamoDB's JSON, sometimes a set or binary instead, and now and then a wrong one."""
        if self.chance(0.12):
            return self.typed_set()
        if self.chance(0.01):
            return self.choice([True, 5, None, {}, {"X": "a"}, {"N": 5}, {"N": "x"}, {"S": "a", "N": "1"}, {"SS": []},
                                {"SS": "a"}, {"NS": ["1", 2]}, {"M": []}, {"L": {}}, {"NULL": "yes"}, {"BS": [5]}])
        if isinstance(value, TypedSet):
            return dict(value)
        if value is None:
            return {"NULL": True}
        if isinstance(value, bool):
            return {"BOOL": value}
        if isinstance(value, (int, Fraction)):
            return {"N": value.text if isinstance(value, Fraction) else str(value)}
        if isinstance(value, str):
            return {"S": value}
        if isinstance(value, list):
            return {"L": [self.typed(v) for v in value]}
        return {"M": {k: self.typed(v) for k, v in value.items()}}

    def typed_map(self, values):
        return {k: self.typed(v) for k, v in values.items()} if isinstance(values, dict) else values

    def typed_condition(self, condition):
        if not isinstance(condition, dict):
            return condition
        condition = dict(condition)
        if "Value" in condition:
            condition["Value"] = self.typed(condition["Value"])
        if isinstance(condition.get("AttributeValueList"), list):
            condition["AttributeValueList"] = [self.typed(v) for v in condition["AttributeValueList"]]
        return condition

    def typed_parameters(self, parameters):
        parameters = dict(parameters)
        for name in ("Item", "Key", "ExclusiveStartKey", "ExpressionAttributeValues"):
            if name in parameters:
                parameters[name] = self.typed_map(parameters[name])
        for name in ("Expected", "AttributeUpdates", "ScanFilter"):
            if isinstance(parameters.get(name), dict):
                parameters[name] = {k: self.typed_condition(v) for k, v in parameters[name].items()}
        return {**parameters, FORMAT: "typed"}

    def junk(self):
        return self.choice([None, 5, -1, 0, 1.5, True, "x", "", [], [1, "a", None], {}, {"a": 1}, {"a": {"b": [None]}}])


class TypedSet(dict):
    """A set in DynamoDB's JSON, which a typed request contains as it is."""


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
        if r.chance(0.2) and not {"self", "parent"} & set(parameters):
            return r.typed_parameters(parameters)
        if r.chance(0.02):
            parameters[FORMAT] = "plain"
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
            return TypedSet(r.typed_set()) if r.chance(0.7) else r.value()
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
            item[r.choice(NAMES)] = r.lettered() if r.chance(0.15) else r.written_out() if r.chance(0.05) else r.value()
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


EXACT = decimal.Context(prec=10_000, Emin=-999_999, Emax=999_999, traps=[])


def shortest(text):
    """A number as a Decimal of its significant digits alone, if DynamoDB can hold it, else as it is written."""
    number = EXACT.create_decimal(text)
    short = number.normalize(EXACT)
    if not short:
        return decimal.Decimal(0)
    is_holdable = len(short.as_tuple().digits) <= 38 and -130 <= short.adjusted() <= 125
    return short if is_holdable else number


def exact_integer(text):
    """An integer, as a Decimal if boto3 refuses it for its written digits alone."""
    number = shortest(text)
    is_refused = len(text.lstrip("-")) > 38
    return number if is_refused and number.as_tuple().exponent > 0 else int(text)


def with_bytes(value):
    """Typed parameters as boto3's client takes them."""
    if isinstance(value, list):
        return [with_bytes(v) for v in value]
    if not isinstance(value, dict):
        return value
    decoded = {k: with_bytes(v) for k, v in value.items()}
    if isinstance(value.get("B"), str):
        decoded["B"] = base64.b64decode(value["B"])
    if isinstance(value.get("BS"), list):
        decoded["BS"] = [base64.b64decode(v) if isinstance(v, str) else v for v in value["BS"]]
    return decoded


def express(value):
    """Sets and binary of an answer in DynamoDB's JSON. Sets have no order."""
    from boto3.dynamodb.types import Binary

    if isinstance(value, dict):
        return {k: express(v) for k, v in value.items()}
    if isinstance(value, list):
        return [express(v) for v in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Binary):
        return {"B": express(bytes(value))}
    if isinstance(value, (set, frozenset)):
        first = next(iter(value))
        if isinstance(first, decimal.Decimal):
            return {"NS": sorted(str(v) for v in value)}
        if isinstance(first, str):
            return {"SS": sorted(value)}
        return {"BS": sorted(express(bytes(v)) for v in value)}
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
        self.used = set()
        import boto3

        self.client = boto3.client("dynamodb")
        self.take_exact_numbers()

    def take_exact_numbers(self):
        """Lets boto3 send Decimals as they are, which only a request that it has refused contains, and read what it fails on."""
        from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

        serialize, deserialize = TypeSerializer._serialize_n, TypeDeserializer._deserialize_n

        def serialize_exactly(serializer, value):
            return str(value) if isinstance(value, decimal.Decimal) else serialize(serializer, value)

        def deserialize_exactly(deserializer, value):
            try:
                return deserialize(deserializer, value)
            except decimal.DecimalException:
                self.used.add("numbers in answers that boto3 refuses")
                return EXACT.create_decimal(value)

        TypeSerializer._serialize_n, TypeDeserializer._deserialize_n = serialize_exactly, deserialize_exactly

    # What the runtime client is called with.
    def post_invocation_result(self, _id, result, *_):
        self.outcome = ("result", result)

    def post_invocation_error(self, _id, error, *_):
        error = json.loads(error)
        # A float that was sent again as a Decimal, and binary, which is text in JSON.
        message = error["errorMessage"].replace("<class 'decimal.Decimal'>", "<class 'float'>")
        message = message.replace("<class 'bytes'>, <class 'bytearray'>, file-like object", "<class 'str'>")
        self.outcome = ("error", {"errorType": error["errorType"], "errorMessage": message})

    def invoke(self, text, function=None):
        self.returned = None

        def handler(event, context):
            self.returned = (function or self.function)(event, context)
            return self.returned

        self.bootstrap.handle_event_request(
            self, handler, "1", text, "application/json", None, None, "0", "arn:aws:lambda:f", None, LOG_SINK)
        return self.outcome

    def invoke_exactly(self, text):
        event = json.loads(text, parse_int=exact_integer, parse_float=shortest)
        return self.invoke(text, lambda _, context: self.function(event, context))

    def invoke_typed(self, text):
        """What the original would do if its parameters were those of boto3's client."""
        methods = {"create": "put_item", "read": "get_item", "update": "update_item", "delete": "delete_item", "list": "scan"}

        def function(event, context):
            if event.get("tableName") is None:
                return self.function(event, context)
            parameters = {"TableName": event["tableName"], **with_bytes(event["payload"])}
            del parameters[FORMAT]
            return express(getattr(self.client, methods[event["operation"]])(**parameters))

        return self.invoke(text, function)

    def ask(self, text):
        """The outcome, and the names of the improvements it took to compare."""
        self.used = set()
        outcome = self.outcome_of(text)
        return outcome, self.used

    def outcome_of(self, text):
        format = format_of(text)
        outcome = self.invoke(text)
        if format:
            assert outcome[0] == "error", f"the original accepts {text}"
            self.used.add(f"{format} requests")
        if format == "typed":
            return self.invoke_typed(text)
        if format == "plain":
            text = re.sub(f'(, )?"{FORMAT}": "plain"', "", text)
            assert format_of(text) is None, text
            outcome = self.invoke(text)
        if outcome[0] == "error" and outcome[1]["errorMessage"].startswith("Float types are not supported"):
            self.used.add(FRACTIONS)
            outcome = self.invoke_exactly(text)
        if outcome[0] == "error" and outcome[1]["errorType"] == "Rounded":
            exactly = self.invoke_exactly(text)
            if exactly != outcome:
                self.used.add(WRITTEN_OUT)
            outcome = exactly
        if outcome[0] == "error" and outcome[1]["errorType"] == "Runtime.MarshalError":
            self.used.add(SETS_IN_ANSWERS)
            outcome = ("result", dumps(express(self.returned)))
        return outcome


def format_of(text):
    """The format that a request to the database names."""
    event = json.loads(text)
    if not isinstance(event, dict) or event.get("operation") not in ("create", "read", "update", "delete", "list"):
        return None
    payload = event.get("payload")
    return payload.get(FORMAT) if isinstance(payload, dict) else None


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


def comparable(outcome, used):
    kind, answer = outcome
    if kind == "error":
        return (kind, with_one_spelling(answer) if used & {FRACTIONS, WRITTEN_OUT} else answer)
    value = json.loads(answer, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
    if SETS_IN_ANSWERS in used:
        value = sort_sets(value)
    if isinstance(value, dict) and isinstance(value.get("ResponseMetadata"), dict):
        metadata = value["ResponseMetadata"]
        metadata.pop("RequestId", None)
        metadata["HTTPHeaders"] = sorted(
            (k, v) for k, v in metadata.get("HTTPHeaders", {}).items() if k not in VOLATILE_HEADERS)
        metadata = list(metadata.items())
        return (kind, list(value), value, metadata)
    return (kind, None, value, None)


def with_one_spelling(error):
    """An error in which the database quotes numbers as they were sent; the original sent none of these."""
    one = lambda quoted: f"{{N:{EXACT.create_decimal(quoted[1]).normalize(EXACT)}}}"
    return {**error, "errorMessage": re.sub(r"\{N:([-+.0-9eE]+)\}", one, error["errorMessage"])}


def is_same(expected, got, text, original, used):
    if comparable(expected, used) == comparable(got, used):
        return True
    if expected[0] == got[0] == "result" and '"operation": "echo"' in text:
        used.add("digits of echoed numbers")
        return json.loads(expected[1]) == json.loads(got[1])
    # Of several faults of one request the local database names any.
    if all(kind == "error" and "(ValidationException)" in answer["errorMessage"] for kind, answer in (expected, got)):
        return any(original.ask(text)[0] == got for _ in range(40))
    return False


def accepted_data(text, outcome):
    """The kinds of data in a request to the database that succeeds."""
    if outcome[0] == "error" or '"operation": "echo"' in text:
        return
    form = "typed" if format_of(text) == "typed" else "plain"
    if form == "typed" or re.search(r'\{"(S|N|B|SS|NS|BS|M|L|NULL|BOOL)": ', text):
        yield "typed values" if form == "typed" else "type-letter maps"
    if re.search(r"[0-9.]{39}", text):
        yield f"{form} numbers of more than 38 written digits"


def sort_sets(value):
    """Sets as the original has them, without an order. Lists in maps that look like sets are among them."""
    if isinstance(value, list):
        return [sort_sets(v) for v in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (tag, inner), = value.items()
            if tag in ("SS", "NS", "BS") and isinstance(inner, list) and all(isinstance(v, str) for v in inner):
                return {tag: sorted(inner)}
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
    differences, improvements, kinds, data = 0, collections.Counter(), collections.Counter(), collections.Counter()
    try:
        for number in range(1, options.requests + 1):
            text = to_text(generator.event())
            expected, used = original.ask(text)
            form = generator.random.randrange(4)
            got = ours.ask(text) if form > 1 else ours.ask_as_proxy(text, form == 1)
            kinds[expected[1]["errorType"] if expected[0] == "error" else "answer"] += 1
            data.update(accepted_data(text, expected))
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
    print("accepted requests with", ", ".join(f"{name} {count}" for name, count in sorted(data.items())))
    print("improvements checked:", ", ".join(f"{name} {count}" for name, count in sorted(improvements.items())))
    sys.exit(differences != 0)


if __name__ == "__main__":
    main()

//! boto3's model of the five `DynamoDB` operations: all parameters and all fields of the answers, in order.

/// The type of a parameter or of a field of an answer.
#[derive(Debug)]
pub(crate) enum Shape {
    /// An attribute value: typed in `DynamoDB`'s JSON, and plain or typed in events and answers.
    Attribute,
    /// Bytes as base64.
    Binary,
    String {
        min: usize,
    },
    Integer {
        min: i64,
    },
    Boolean,
    /// A number in an answer, copied unchanged.
    Number,
    List {
        min: usize,
        of: &'static Shape,
    },
    Map(&'static Shape),
    Structure {
        required: &'static [&'static str],
        members: Members,
    },
}

/// Names and types of a structure's members.
pub(crate) type Members = &'static [(&'static str, &'static Shape)];

/// An operation of `DynamoDB`.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Name in `DynamoDB`'s API.
    pub(crate) name: &'static str,
    pub(crate) input: Shape,
    pub(crate) output: Members,
}

const TEXT: &Shape = &Shape::String { min: 0 };
const FLAG: &Shape = &Shape::Boolean;
const NUMBER: &Shape = &Shape::Number;
const ATTRIBUTE: &Shape = &Shape::Attribute;
const ATTRIBUTES: &Shape = &Shape::Map(ATTRIBUTE);
const ATTRIBUTE_LIST: &Shape = &Shape::List {
    min: 0,
    of: ATTRIBUTE,
};
const TEXTS: &Shape = &Shape::List { min: 0, of: TEXT };
const BINARY: &Shape = &Shape::Binary;
const NAMES: &Shape = &Shape::List { min: 1, of: TEXT };
const TABLE_NAME: &Shape = &Shape::String { min: 1 };
const INDEX_NAME: &Shape = &Shape::String { min: 3 };
const POSITIVE: &Shape = &Shape::Integer { min: 1 };
const SEGMENT: &Shape = &Shape::Integer { min: 0 };
const PLACEHOLDERS: &Shape = &Shape::Map(TEXT);

/// An attribute value in `DynamoDB`'s JSON, which itself refuses one of no type or of several types.
pub(crate) static TYPED_ATTRIBUTE: Shape = Shape::Structure {
    required: &[],
    members: &[
        ("S", TEXT),
        ("N", TEXT),
        ("B", BINARY),
        ("SS", TEXTS),
        ("NS", TEXTS),
        ("BS", &Shape::List { min: 0, of: BINARY }),
        ("M", &Shape::Map(&TYPED_ATTRIBUTE)),
        (
            "L",
            &Shape::List {
                min: 0,
                of: &TYPED_ATTRIBUTE,
            },
        ),
        ("NULL", FLAG),
        ("BOOL", FLAG),
    ],
};

const EXPECTED: &Shape = &Shape::Map(&Shape::Structure {
    required: &[],
    members: &[
        ("Value", ATTRIBUTE),
        ("Exists", FLAG),
        ("ComparisonOperator", TEXT),
        ("AttributeValueList", ATTRIBUTE_LIST),
    ],
});

const UPDATES: &Shape = &Shape::Map(&Shape::Structure {
    required: &[],
    members: &[("Value", ATTRIBUTE), ("Action", TEXT)],
});

const FILTER: &Shape = &Shape::Map(&Shape::Structure {
    required: &["ComparisonOperator"],
    members: &[
        ("AttributeValueList", ATTRIBUTE_LIST),
        ("ComparisonOperator", TEXT),
    ],
});

const CAPACITY: &Shape = &Shape::Structure {
    required: &[],
    members: &[
        ("ReadCapacityUnits", NUMBER),
        ("WriteCapacityUnits", NUMBER),
        ("CapacityUnits", NUMBER),
    ],
};

const VECTOR_CAPACITY: &Shape = &Shape::Structure {
    required: &[],
    members: &[
        ("VectorSearchRequestBytes", NUMBER),
        ("VectorWriteRequestBytes", NUMBER),
    ],
};

const CONSUMED_CAPACITY: &Shape = &Shape::Structure {
    required: &[],
    members: &[
        ("TableName", TEXT),
        ("CapacityUnits", NUMBER),
        ("ReadCapacityUnits", NUMBER),
        ("WriteCapacityUnits", NUMBER),
        ("Table", CAPACITY),
        ("LocalSecondaryIndexes", &Shape::Map(CAPACITY)),
        ("GlobalSecondaryIndexes", &Shape::Map(CAPACITY)),
        ("VectorIndexes", &Shape::Map(VECTOR_CAPACITY)),
    ],
};

const COLLECTION_METRICS: &Shape = &Shape::Structure {
    required: &[],
    members: &[
        ("ItemCollectionKey", ATTRIBUTES),
        ("SizeEstimateRangeGB", &Shape::List { min: 0, of: NUMBER }),
    ],
};

const WRITTEN: Members = &[
    ("Attributes", ATTRIBUTES),
    ("ConsumedCapacity", CONSUMED_CAPACITY),
    ("ItemCollectionMetrics", COLLECTION_METRICS),
];

pub(crate) static PUT_ITEM: Operation = Operation {
    name: "PutItem",
    input: Shape::Structure {
        required: &["TableName", "Item"],
        members: &[
            ("TableName", TABLE_NAME),
            ("Item", ATTRIBUTES),
            ("Expected", EXPECTED),
            ("ReturnValues", TEXT),
            ("ReturnConsumedCapacity", TEXT),
            ("ReturnItemCollectionMetrics", TEXT),
            ("ConditionalOperator", TEXT),
            ("ConditionExpression", TEXT),
            ("ExpressionAttributeNames", PLACEHOLDERS),
            ("ExpressionAttributeValues", ATTRIBUTES),
            ("ReturnValuesOnConditionCheckFailure", TEXT),
        ],
    },
    output: WRITTEN,
};

pub(crate) static GET_ITEM: Operation = Operation {
    name: "GetItem",
    input: Shape::Structure {
        required: &["TableName", "Key"],
        members: &[
            ("TableName", TABLE_NAME),
            ("Key", ATTRIBUTES),
            ("AttributesToGet", NAMES),
            ("ConsistentRead", FLAG),
            ("ReturnConsumedCapacity", TEXT),
            ("ProjectionExpression", TEXT),
            ("ExpressionAttributeNames", PLACEHOLDERS),
        ],
    },
    output: &[
        ("Item", ATTRIBUTES),
        ("ConsumedCapacity", CONSUMED_CAPACITY),
    ],
};

pub(crate) static UPDATE_ITEM: Operation = Operation {
    name: "UpdateItem",
    input: Shape::Structure {
        required: &["TableName", "Key"],
        members: &[
            ("TableName", TABLE_NAME),
            ("Key", ATTRIBUTES),
            ("AttributeUpdates", UPDATES),
            ("Expected", EXPECTED),
            ("ConditionalOperator", TEXT),
            ("ReturnValues", TEXT),
            ("ReturnConsumedCapacity", TEXT),
            ("ReturnItemCollectionMetrics", TEXT),
            ("UpdateExpression", TEXT),
            ("ConditionExpression", TEXT),
            ("ExpressionAttributeNames", PLACEHOLDERS),
            ("ExpressionAttributeValues", ATTRIBUTES),
            ("ReturnValuesOnConditionCheckFailure", TEXT),
        ],
    },
    output: WRITTEN,
};

pub(crate) static DELETE_ITEM: Operation = Operation {
    name: "DeleteItem",
    input: Shape::Structure {
        required: &["TableName", "Key"],
        members: &[
            ("TableName", TABLE_NAME),
            ("Key", ATTRIBUTES),
            ("Expected", EXPECTED),
            ("ConditionalOperator", TEXT),
            ("ReturnValues", TEXT),
            ("ReturnConsumedCapacity", TEXT),
            ("ReturnItemCollectionMetrics", TEXT),
            ("ConditionExpression", TEXT),
            ("ExpressionAttributeNames", PLACEHOLDERS),
            ("ExpressionAttributeValues", ATTRIBUTES),
            ("ReturnValuesOnConditionCheckFailure", TEXT),
        ],
    },
    output: WRITTEN,
};

pub(crate) static SCAN: Operation = Operation {
    name: "Scan",
    input: Shape::Structure {
        required: &["TableName"],
        members: &[
            ("TableName", TABLE_NAME),
            ("IndexName", INDEX_NAME),
            ("AttributesToGet", NAMES),
            ("Limit", POSITIVE),
            ("Select", TEXT),
            ("ScanFilter", FILTER),
            ("ConditionalOperator", TEXT),
            ("ExclusiveStartKey", ATTRIBUTES),
            ("ReturnConsumedCapacity", TEXT),
            ("TotalSegments", POSITIVE),
            ("Segment", SEGMENT),
            ("ProjectionExpression", TEXT),
            ("FilterExpression", TEXT),
            ("ExpressionAttributeNames", PLACEHOLDERS),
            ("ExpressionAttributeValues", ATTRIBUTES),
            ("ConsistentRead", FLAG),
        ],
    },
    output: &[
        (
            "Items",
            &Shape::List {
                min: 0,
                of: ATTRIBUTES,
            },
        ),
        ("Count", NUMBER),
        ("ScannedCount", NUMBER),
        ("LastEvaluatedKey", ATTRIBUTES),
        ("ConsumedCapacity", CONSUMED_CAPACITY),
    ],
};

/// Returns the type of a member.
pub(crate) fn member(members: Members, name: &str) -> Option<&'static Shape> {
    members
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, shape)| *shape)
}

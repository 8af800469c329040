//! Sets of operations as types: one operation, or a tuple of up to ten.

/// An operation of a service that a function may be allowed to call.
pub trait Operation {
    /// The right that it takes.
    const PERMISSION: Permission;
}

/// The right to call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The action, as in policies: `dynamodb:GetItem`.
    pub action: &'static str,
    /// True if the operation is also called on the table's indexes.
    pub on_indexes: bool,
}

/// A set of operations: `GetItem`, or `(GetItem, PutItem)`.
pub trait Operations {
    /// The rights that they take.
    const PERMISSIONS: &'static [Permission];
}

/// Holds for sets of operations that contain `Op`. The compiler finds `Place` by itself.
#[diagnostic::on_unimplemented(
    message = "this link does not grant `{Op}`",
    label = "the function may not call this",
    note = "add `{Op}` to the link's operations in the struct that stack and function share"
)]
pub trait Allows<Op, Place> {}

/// The place of an operation in a tuple, which keeps the implementations of [`Allows`] apart.
#[derive(Debug)]
pub struct At<const N: usize>;

impl<O: Operation> Operations for O {
    const PERMISSIONS: &'static [Permission] = &[O::PERMISSION];
}

#[diagnostic::do_not_recommend]
impl<O: Operation> Allows<O, ()> for O {}

macro_rules! dynamodb {
    ($($name:ident as $action:ident $(on $indexes:ident)?),+ $(,)?) => {$(
        #[doc = concat!("`", stringify!($name), "`, which takes the right `dynamodb:", stringify!($action), "`.")]
        #[derive(Debug)]
        pub struct $name;

        impl Operation for $name {
            const PERMISSION: Permission = Permission {
                action: concat!("dynamodb:", stringify!($action)),
                on_indexes: dynamodb!(@ $($indexes)?),
            };
        }
    )+};
    (@) => { false };
    (@ indexes) => { true };
}

// A transaction takes the rights of what is in it: IAM knows no action of its name.
dynamodb!(
    GetItem as GetItem,
    BatchGetItem as BatchGetItem,
    TransactGetItems as GetItem,
    Query as Query on indexes,
    Scan as Scan on indexes,
    PutItem as PutItem,
    UpdateItem as UpdateItem,
    DeleteItem as DeleteItem,
    BatchWriteItem as BatchWriteItem,
);

/// `TransactWriteItems`, which takes the rights of what is in it: grant `PutItem`, `UpdateItem`, `DeleteItem` beside it as they
/// are used. This one is `dynamodb:ConditionCheckItem`.
#[derive(Debug)]
pub struct TransactWriteItems;

impl Operation for TransactWriteItems {
    const PERMISSION: Permission = Permission {
        action: "dynamodb:ConditionCheckItem",
        on_indexes: false,
    };
}

/// All operations that read items.
pub type Read = (GetItem, BatchGetItem, Query, Scan);

/// All operations that write items.
pub type Write = (PutItem, UpdateItem, DeleteItem, BatchWriteItem);

/// All operations on items.
pub type ReadWrite = (
    GetItem,
    BatchGetItem,
    Query,
    Scan,
    PutItem,
    UpdateItem,
    DeleteItem,
    BatchWriteItem,
);

macro_rules! tuples {
    ($([$($name:ident $place:literal),+])+) => {$(
        impl<$($name: Operation),+> Operations for ($($name,)+) {
            const PERMISSIONS: &'static [Permission] = &[$($name::PERMISSION),+];
        }
        tuples!(@each {$($name),+} $($name $place),+);
    )+};
    (@each $all:tt $($name:ident $place:literal),+) => { $(tuples!(@one $all $name $place);)+ };
    (@one {$($all:ident),+} $name:ident $place:literal) => {
        #[diagnostic::do_not_recommend]
        impl<$($all),+> Allows<$name, At<$place>> for ($($all,)+) {}
    };
}

tuples! {
    [A 0]
    [A 0, B 1]
    [A 0, B 1, C 2]
    [A 0, B 1, C 2, D 3]
    [A 0, B 1, C 2, D 3, E 4]
    [A 0, B 1, C 2, D 3, E 4, F 5]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9]
}

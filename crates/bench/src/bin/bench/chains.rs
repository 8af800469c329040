//! The commands that are measured, and the shortest chains of calls they could take.

/// A command, and its calls of which each needs the answer of the one before it.
pub(crate) struct Chain {
    pub(crate) command: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) calls: &'static [&'static str],
    /// The project's promise: a number of calls, and the factor that the time may exceed theirs by.
    pub(crate) promise: (u32, f64),
}

pub(crate) const UP_UNSETTLED: Chain = Chain {
    command: "up --wait none on an empty account",
    arguments: &["up", "--wait", "none"],
    calls: &[
        "look",
        "CreateRestApi",
        "CreateResource",
        "PutMethod",
        "PutIntegration",
        "CreateDeployment",
        "CreateStage",
        "CreateUsagePlan",
        "CreateUsagePlanKey",
    ],
    promise: (8, 1.4),
};

pub(crate) const UP: Chain = Chain {
    command: "up on an empty account",
    arguments: &["up"],
    calls: &[
        "look",
        "CreateRestApi",
        "CreateResource",
        "PutMethod",
        "PutIntegration",
        "CreateDeployment",
        "CreateStage",
        "CreateUsagePlan",
        "CreateUsagePlanKey",
        "request to the endpoint",
    ],
    promise: (8, 1.4),
};

pub(crate) const AGAIN: Chain = Chain {
    command: "up again",
    arguments: &["up"],
    calls: &[
        "look",
        "look into what was found",
        "request to the endpoint",
    ],
    // Three calls, and 60 ms of the process itself.
    promise: (4, 1.0),
};

pub(crate) const DOWN: Chain = Chain {
    command: "down",
    arguments: &["down"],
    calls: &[
        "look",
        "look into what was found",
        "DeleteFunction",
        "GetFunction",
        "DeleteRolePolicy",
        "DeleteRole",
    ],
    promise: (6, 1.4),
};

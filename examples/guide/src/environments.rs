//! Chapter 4: environments and parameters.

use std::str::FromStr;

use provision::ssm::{Parameter, ParameterHandle, SecureValue};
use provision::{
    App, Code, Env, Flag, Function, Grant, Memory, Result, Retention, Stack, Table, days, mb,
};

enum Stage {
    Dev,
    Preview,
    Prod,
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "" | "dev" => Ok(Self::Dev),
            "prod" => Ok(Self::Prod),
            name if name.starts_with("pr-") => Ok(Self::Preview),
            _ => Err("the environments are `dev`, `prod` and `pr-NUMBER`".to_owned()),
        }
    }
}

impl Stage {
    fn settings(&self) -> (Memory, Retention) {
        match self {
            Self::Prod => (mb!(512), days!(90)),
            Self::Dev => (mb!(256), days!(14)),
            Self::Preview => (mb!(256), days!(1)),
        }
    }
}

/// Returns the program, with a flag for one of the parameters.
pub fn app() -> App {
    App::new("mail").stack(mail).flag(Flag {
        name: "sender",
        value_name: "ADDRESS",
        help: "Address that letters are sent from",
    })
}

/// Declares a function whose settings follow from the environment, the command line and a secret.
///
/// # Errors
///
/// If the environment has another name than those above.
pub fn mail(env: &Env) -> Result<Stack> {
    let stage: Stage = env.parse()?;
    let (memory, retention) = stage.settings();

    let mut stack = Stack::new("mail", env);
    let sender: String = stack.required("sender");
    let batch = stack.parameter("batch", 10);

    let is_prod = matches!(stage, Stage::Prod);
    let letters = Table::with_key("id").for_production(is_prod);
    stack.add("letters", letters);

    let secret = SecureValue::from_environment("MAIL_PASSWORD");
    let secret = Parameter::secure(env.named("/mail/password"), secret);
    let secret = stack.add("password", secret);
    let worker = Function::new(Code::binary("worker"))
        .memory(memory)
        .log_retention(retention)
        .environment("SENDER", sender)
        .environment("BATCH", batch)
        .environment("SMTP_PARAMETER", secret.name())
        .allow(Grant::new(["ssm:GetParameter"], [secret.arn()]));
    stack.add("worker", worker);
    Ok(stack)
}

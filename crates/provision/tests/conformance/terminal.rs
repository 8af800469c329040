//! As a person sees it: the program on a terminal of 80 columns and 24 rows. What is on it in the end is in `screens/`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use expect_test::{ExpectFile, expect_file};
use testkit::sdk::dynamodb::types::AttributeValue;
use testkit::{Answer, Decision, Terminal, masked};
use tokio::sync::Semaphore;

use crate::names::TABLE;
use crate::world::World;

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;
const CTRL_C: &[u8] = b"\x03";

/// A world whose tool is run from a terminal that can do all.
async fn empty() -> World {
    let mut world = World::empty().await;
    world.rig.cli = world.rig.cli.env("TERM", "xterm-256color");
    world
}

async fn deployed() -> World {
    let world = empty().await;
    world.up().await;
    world
}

/// An `up` whose list is being drawn, and the gate that its role waits at.
async fn in_the_middle() -> (World, Terminal, Arc<Semaphore>) {
    let world = empty().await;
    let gate = hold(&world, "CreateRole");
    let terminal = world.cli.run_on_terminal(&["up"], ROWS, COLUMNS);
    terminal.until("running step", |screen| screen.contains("running"));
    (world, terminal, gate)
}

/// Runs it to its end without a key pressed.
#[track_caller]
fn run(world: &World, arguments: &[&str], code: i32) -> (String, String) {
    let mut terminal = world.cli.run_on_terminal(arguments, ROWS, COLUMNS);
    let ended = terminal.wait();
    let page = terminal.everything(COLUMNS);
    assert_eq!(ended, Some(code), "{page}");
    (page, String::from_utf8_lossy(&terminal.raw()).into_owned())
}

/// No line is too long but those with something to copy in one piece.
#[track_caller]
fn fits(page: &str) {
    let is_long = |line: &&str| line.chars().count() > usize::from(COLUMNS);
    for line in page.lines().filter(is_long) {
        let is_to_copy = ["http://", "arn:"].iter().any(|word| line.contains(word));
        assert!(is_to_copy, "too long: {line}\n{page}");
    }
}

#[track_caller]
fn shows(page: &str, expected: &ExpectFile) {
    fits(page);
    expected.assert_eq(&masked(page));
}

/// Returns true if anything but line ends moves the cursor or colours it.
fn has_escapes(raw: &str) -> bool {
    raw.contains('\x1b')
}

/// Has this call wait until the returned gate is opened.
fn hold(world: &World, operation: &'static str) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    world.proxy.decide(move |request| {
        if request.operation == operation {
            Decision::Await(Arc::clone(&closed))
        } else {
            Decision::Forward
        }
    });
    gate
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn up_shows_its_steps_and_ends_with_what_to_try() {
    let world = empty().await;
    let (page, raw) = run(&world, &["up"], 0);
    shows(&page, &expect_file!["screens/up.txt"]);
    assert!(has_escapes(&raw), "it was live");
    let (page, _) = run(&world, &["up"], 0);
    shows(&page, &expect_file!["screens/up-again.txt"]);
    let (page, _) = run(&world, &["plan", "--rate", "50"], 0);
    shows(&page, &expect_file!["screens/plan.txt"]);
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn down_asks_and_goes_by_the_answer() {
    let world = deployed().await;
    let put = world.account.dynamodb.put_item().table_name(TABLE);
    let put = put.item("id", AttributeValue::S("1".to_owned()));
    put.send().await.expect("an item");
    for (key, code, screen) in [
        (&b"n\n"[..], 1, expect_file!["screens/down-declined.txt"]),
        (b"y\n", 0, expect_file!["screens/down-agreed.txt"]),
    ] {
        let mut terminal = world.cli.run_on_terminal(&["down"], ROWS, COLUMNS);
        terminal.until("question", |screen| screen.contains("[y/N]"));
        terminal.type_in(key);
        let ended = terminal.wait();
        let page = terminal.everything(COLUMNS);
        assert_eq!(ended, Some(code), "{page}");
        shows(&page, &screen);
        let is_changed = code == 0;
        assert_eq!(page.contains("Nothing was changed."), !is_changed);
    }
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_quiet_question_says_what_it_is_about() {
    let world = deployed().await;
    let mut terminal = world.cli.run_on_terminal(&["down", "-q"], ROWS, COLUMNS);
    terminal.until("question", |screen| screen.contains("[y/N]"));
    terminal.type_in(b"n\n");
    assert_eq!(terminal.wait(), Some(1));
    let page = terminal.everything(COLUMNS);
    for part in ["account ", "- AWS::DynamoDB::Table", "Nothing was changed."] {
        assert!(page.contains(part), "no {part}: {page}");
    }
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn ctrl_c_is_an_answer_to_every_question() {
    let world = deployed().await;
    for arguments in [&["down"][..], &["invoke", "-"]] {
        let mut terminal = world.cli.run_on_terminal(arguments, ROWS, COLUMNS);
        let is_asked = |screen: &str| screen.contains("[y/N]") || screen.contains("Ctrl-D");
        terminal.until("question", is_asked);
        terminal.type_in(CTRL_C);
        let ended = terminal.wait();
        let page = terminal.everything(COLUMNS);
        assert_eq!(ended, Some(130), "{page}");
        assert!(
            page.ends_with("\nInterrupted; nothing was changed.\n") || arguments != ["down"],
            "{page}"
        );
    }
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_wait_before_a_question_wipes_nothing_away() {
    let world = deployed().await;
    let told = AtomicBool::new(false);
    world.proxy.decide(move |request| {
        if request.operation != "GetRestApis" || told.swap(true, Ordering::Relaxed) {
            return Decision::Forward;
        }
        let answer = Answer::error(429, "TooManyRequestsException", "Too Many Requests");
        Decision::Answer(answer.with_header("retry-after", "2"))
    });
    let mut terminal = world.cli.run_on_terminal(&["down"], ROWS, COLUMNS);
    terminal.until("question", |screen| screen.contains("[y/N]"));
    // Long enough for whatever is redrawn.
    std::thread::sleep(Duration::from_millis(500));
    let screen = terminal.screen();
    for line in ["serverless-lab · ", "12 to delete", "Go ahead? [y/N]"] {
        assert!(screen.contains(line), "{screen}");
    }
    assert!(!screen.contains("next try"), "{screen}");
    terminal.type_in(b"n\n");
    assert_eq!(terminal.wait(), Some(1), "{}", terminal.screen());
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn ctrl_c_says_how_to_go_on() {
    let (world, mut terminal, gate) = in_the_middle().await;
    // Some of a drawing of the list is always on its way.
    terminal.slow_down();
    std::thread::sleep(Duration::from_millis(500));
    terminal.type_in(CTRL_C);
    terminal.until("answer", |screen| screen.contains("stopping: "));
    gate.add_permits(1);
    let ended = terminal.wait();
    let page = terminal.everything(COLUMNS);
    assert_eq!(ended, Some(130), "{page}");
    let rows = |part: &str| {
        part.lines()
            .filter(|row| row.starts_with("  + AWS::"))
            .count()
    };
    // The echo of the key may make one line of two rows, so that what follows it need not begin one.
    let [(plan, _), (_, list)] = [
        page.split_once("\n16 calls to make\n"),
        page.rsplit_once("stopping: "),
    ]
    .map(|parts| parts.unwrap_or_else(|| panic!("drawn over, or not answered:\n{page}")));
    assert_eq!(rows(plan), 12, "{page}");
    assert_eq!(rows(list), 12, "{page}");
    assert!(
        list.contains("  not run\n") && !list.contains("waiting"),
        "{page}"
    );
    let (_, end) = list.rsplit_once("\nInterrupted: ").expect("it says so");
    // As it was called here: by its path.
    let again = format!(" not run; `{} up", env!("CARGO_BIN_EXE_provision"));
    assert!(end.replace('\n', "").contains(&again), "{page}");
    assert!(
        end.replace('\n', " ")
            .ends_with(" again goes on from here. "),
        "{page}"
    );
    world.proxy.forward_all();
    run(&world, &["up"], 0);
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_second_ctrl_c_leaves_at_once() {
    let (_world, mut terminal, _gate) = in_the_middle().await;
    terminal.type_in(CTRL_C);
    terminal.until("answer", |screen| screen.contains("stopping: "));
    terminal.type_in(CTRL_C);
    let ended = terminal.wait();
    let page = terminal.everything(COLUMNS);
    assert_eq!(ended, Some(130), "{page}");
    assert!(
        page.ends_with("Left at once; calls in flight may still take effect: run it again.\n"),
        "{page}"
    );
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn what_a_shell_has_written_meanwhile_is_left_alone() {
    let (_world, mut terminal, gate) = in_the_middle().await;
    terminal.signal("CONT");
    // Two lists leave no room for the plan.
    terminal.until("second list", |screen| !screen.contains("calls to make"));
    gate.add_permits(1);
    let ended = terminal.wait();
    let page = terminal.everything(COLUMNS);
    assert_eq!(ended, Some(0), "{page}");
    let rows = page.lines().filter(|row| row.starts_with("  + AWS::"));
    assert_eq!(rows.count(), 3 * 12, "{page}");
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_smaller_window_breaks_no_line() {
    const NARROW: u16 = 60;
    let (_world, mut terminal, gate) = in_the_middle().await;
    terminal.resize(ROWS, NARROW);
    // A name is cut so that the state beside it fits.
    let is_narrow = |screen: &str| {
        let mut rows = screen.lines();
        rows.any(|row| row.contains("AWS::IAM::Role") && row.contains("…  running"))
    };
    terminal.until("list that fits", is_narrow);
    gate.add_permits(1);
    let ended = terminal.wait();
    assert_eq!(ended, Some(0), "{}", terminal.screen());
    let screen = terminal.screen();
    let ended: Vec<&str> = screen
        .lines()
        .filter(|row| row.contains("  done  "))
        .collect();
    assert!(!ended.is_empty(), "{screen}");
    for row in ended {
        assert!(
            row.starts_with("  + AWS::") && row.ends_with(" s"),
            "{screen}"
        );
    }
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn colours_are_where_they_are_wanted() {
    let world = deployed().await;
    let plan = ["plan", "--rate", "50"];
    let has_colour = |raw: &str| raw.contains("\x1b[3") || raw.contains("\x1b[1");
    assert!(has_colour(&run(&world, &plan, 0).1));
    let never = [&plan[..], &["--color", "never"]].concat();
    assert!(!has_colour(&run(&world, &never, 0).1));
    let mut world = world;
    world.rig.cli = world.rig.cli.env("NO_COLOR", "1");
    assert!(!has_colour(&run(&world, &plan, 0).1));
    let always = [&plan[..], &["--color", "always"]].concat();
    assert!(has_colour(&run(&world, &always, 0).1));
    world.rig.cli = world.rig.cli.without("NO_COLOR").env("TERM", "dumb");
    assert!(!has_escapes(&run(&world, &plan, 0).1));
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn plain_progress_is_lines_and_nothing_else() {
    let world = empty().await;
    let arguments = ["up", "--progress", "plain", "--color", "never"];
    let (page, raw) = run(&world, &arguments, 0);
    assert!(!has_escapes(&raw), "{raw:?}");
    assert!(!raw.replace("\r\n", "\n").contains('\r'), "{raw:?}");
    shows(&page, &expect_file!["screens/up-plain.txt"]);
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_result_that_goes_into_a_file_holds_no_secret() {
    let world = empty().await;
    let mut terminal = world
        .cli
        .run_in_shell(r#""$@" >file"#, &["up"], ROWS, COLUMNS);
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.screen());
    let file = std::fs::read_to_string(world.cli.home().join("file")).expect("it is there");
    assert!(file.contains("api_key        ****"), "{file}");
    let said = terminal.everything(COLUMNS);
    assert!(said.contains("--show-secrets api_key)"), "{said}");
}

#[tokio::test]
#[ignore = "needs the function: just conformance"]
async fn a_declined_question_is_a_document_too() {
    let world = deployed().await;
    let arguments = ["down", "--json"];
    let mut terminal = world
        .cli
        .run_in_shell(r#""$@" >file"#, &arguments, ROWS, COLUMNS);
    terminal.until("question", |screen| screen.contains("[y/N]"));
    terminal.type_in(b"n\n");
    assert_eq!(terminal.wait(), Some(1), "{}", terminal.screen());
    let file = std::fs::read_to_string(world.cli.home().join("file")).expect("it is there");
    let document: serde_json::Value = serde_json::from_str(&file).expect("one document");
    assert_eq!(document["errors"][0]["code"], "P0049", "{document}");
}

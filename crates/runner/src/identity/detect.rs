use std::time::SystemTime;

use super::{Ci, Identity, OuterLimit};
use crate::duration::Span;
use crate::environment::Environment;

type Detector = fn(&Environment) -> Option<Identity>;

/// In this order: later ones are imitated by earlier ones for compatibility.
const DETECTORS: [Detector; 11] = [
    forgejo, gitea, github, woodpecker, drone, gitlab, buildkite, jenkins, laminar, nomad, systemd,
];

pub(super) fn identity(env: &Environment) -> Identity {
    DETECTORS
        .iter()
        .find_map(|detect| detect(env))
        .unwrap_or_else(|| none(env))
}

fn forgejo(env: &Environment) -> Option<Identity> {
    env.is("FORGEJO_ACTIONS", "true")
        .then(|| actions(Ci::Forgejo, env))
}

fn gitea(env: &Environment) -> Option<Identity> {
    env.is("GITEA_ACTIONS", "true")
        .then(|| actions(Ci::Gitea, env))
}

/// `act` says it is GitHub too, but numbers every run and attempt 1.
fn github(env: &Environment) -> Option<Identity> {
    (env.has("GITHUB_ACTIONS") && !env.is("ACT", "true")).then(|| actions(Ci::GitHub, env))
}

fn actions(ci: Ci, env: &Environment) -> Identity {
    Identity {
        ci,
        attempt: texts(env, &["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"]),
        repository: env.text("GITHUB_REPOSITORY"),
        pull_request: env
            .text("GITHUB_REF")
            .as_deref()
            .and_then(pull_request_of_ref),
        build: env.text("GITHUB_RUN_NUMBER"),
        limit: None,
    }
}

fn pull_request_of_ref(name: &str) -> Option<String> {
    let number = name.strip_prefix("refs/pull/")?.split('/').next()?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.to_owned())
}

fn woodpecker(env: &Environment) -> Option<Identity> {
    let attempt = [
        "CI_REPO",
        "CI_PIPELINE_NUMBER",
        "CI_WORKFLOW_NUMBER",
        "CI_STEP_NUMBER",
    ];
    env.is("CI", "woodpecker").then(|| Identity {
        ci: Ci::Woodpecker,
        attempt: texts(env, &attempt),
        repository: env.text("CI_REPO"),
        pull_request: env.text("CI_COMMIT_PULL_REQUEST"),
        build: env.text("CI_PIPELINE_NUMBER"),
        limit: None,
    })
}

fn drone(env: &Environment) -> Option<Identity> {
    let attempt = [
        "DRONE_REPO",
        "DRONE_BUILD_NUMBER",
        "DRONE_STAGE_NUMBER",
        "DRONE_STEP_NUMBER",
    ];
    env.is("DRONE", "true").then(|| Identity {
        ci: Ci::Drone,
        attempt: texts(env, &attempt),
        repository: env.text("DRONE_REPO"),
        pull_request: env
            .text("DRONE_PULL_REQUEST")
            .filter(|_| env.is("DRONE_BUILD_EVENT", "pull_request")),
        build: env.text("DRONE_BUILD_NUMBER"),
        limit: None,
    })
}

fn gitlab(env: &Environment) -> Option<Identity> {
    env.has("GITLAB_CI").then(|| Identity {
        ci: Ci::GitLab,
        attempt: texts(env, &["CI_JOB_ID"]),
        repository: env.text("CI_PROJECT_PATH"),
        pull_request: env.text("CI_MERGE_REQUEST_IID"),
        build: env.text("CI_PIPELINE_IID"),
        limit: limit(env, "CI_JOB_TIMEOUT", 1).map(|limit| OuterLimit {
            started: moment(env, "CI_JOB_STARTED_AT"),
            ..limit
        }),
    })
}

fn buildkite(env: &Environment) -> Option<Identity> {
    env.has("BUILDKITE").then(|| Identity {
        ci: Ci::Buildkite,
        attempt: texts(env, &["BUILDKITE_JOB_ID"]),
        repository: env.text("BUILDKITE_REPO").map(without_credentials),
        pull_request: env
            .text("BUILDKITE_PULL_REQUEST")
            .filter(|pr| pr != "false"),
        build: env.text("BUILDKITE_BUILD_NUMBER"),
        limit: limit(env, "BUILDKITE_TIMEOUT", 60),
    })
}

fn jenkins(env: &Environment) -> Option<Identity> {
    (env.has("JENKINS_URL") && env.has("BUILD_ID")).then(|| Identity {
        ci: Ci::Jenkins,
        attempt: texts(env, &["BUILD_TAG", "EXECUTOR_NUMBER"]),
        repository: env
            .text("GIT_URL")
            .map(without_credentials)
            .or_else(|| env.text("JOB_NAME")),
        pull_request: env.text("CHANGE_ID").or_else(|| env.text("ghprbPullId")),
        build: env.text("BUILD_NUMBER"),
        limit: None,
    })
}

fn laminar(env: &Environment) -> Option<Identity> {
    (env.has("JOB") && env.has("RUN") && env.has("ARCHIVE")).then(|| Identity {
        build: env.text("RUN"),
        ..unnamed(Ci::Laminar, texts(env, &["JOB", "RUN"]))
    })
}

fn nomad(env: &Environment) -> Option<Identity> {
    let attempt = ["NOMAD_ALLOC_ID", "NOMAD_TASK_NAME"];
    env.has(attempt[0])
        .then(|| unnamed(Ci::Nomad, texts(env, &attempt)))
}

fn systemd(env: &Environment) -> Option<Identity> {
    env.has("INVOCATION_ID")
        .then(|| unnamed(Ci::Systemd, texts(env, &["INVOCATION_ID"])))
}

fn none(env: &Environment) -> Identity {
    if env.is("ACT", "true") {
        return Identity {
            attempt: Vec::new(),
            ..actions(Ci::Act, env)
        };
    }
    unnamed(Ci::None, Vec::new())
}

fn unnamed(ci: Ci, attempt: Vec<Option<String>>) -> Identity {
    Identity {
        ci,
        attempt,
        repository: None,
        pull_request: None,
        build: None,
        limit: None,
    }
}

fn texts(env: &Environment, names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| env.text(name)).collect()
}

fn limit(env: &Environment, variable: &'static str, unit_secs: u64) -> Option<OuterLimit> {
    let count: u64 = env.text(variable)?.parse().ok()?;
    let secs = count.checked_mul(unit_secs)?;
    (secs > 0).then_some(OuterLimit {
        variable,
        span: Span::from_secs(secs),
        started: None,
    })
}

/// GitLab writes UTC, as `2022-01-31T16:47:55Z`, unless it is told otherwise.
fn moment(env: &Environment, variable: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(env.text(variable)?.trim()).ok()
}

/// Clone URLs may carry a token; what is shown or recorded must not.
pub(super) fn without_credentials(url: String) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url;
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url,
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;

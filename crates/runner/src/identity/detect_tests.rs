use super::*;

fn id(env: &Environment) -> Identity {
    Identity::detect(env)
}

fn run_id(env: &Environment) -> String {
    id(env).run_id(|| "aaaa0000-7-99".to_owned())
}

#[test]
fn forgejo_wins_over_the_two_that_it_imitates() {
    let env = [
        ("FORGEJO_ACTIONS", "true"),
        ("GITEA_ACTIONS", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", "9"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_JOB", "test"),
        ("GITHUB_REPOSITORY", "octo/cat"),
        ("GITHUB_REF", "refs/pull/17/head"),
        ("GITHUB_RUN_NUMBER", "40"),
    ];
    let found = id(&env.into());
    assert_eq!(found.ci, Ci::Forgejo);
    assert_eq!(found.pull_request.as_deref(), Some("17"));
    assert_eq!(found.repository.as_deref(), Some("octo/cat"));
    assert_eq!(found.build.as_deref(), Some("40"));
    assert!(
        run_id(&env.into()).starts_with("forgejo-9-2-test-"),
        "{}",
        run_id(&env.into())
    );
}

#[test]
fn gitea_wins_over_github() {
    let env = [("GITEA_ACTIONS", "true"), ("GITHUB_ACTIONS", "true")];
    assert_eq!(id(&env.into()).ci, Ci::Gitea);
}

#[test]
fn a_rerun_on_github_is_another_run() {
    let attempt = |n| {
        let env = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_RUN_ID", "9"),
            ("GITHUB_RUN_ATTEMPT", n),
            ("GITHUB_JOB", "t"),
        ];
        run_id(&env.into())
    };
    assert_ne!(attempt("1"), attempt("2"));
    assert_eq!(attempt("1"), attempt("1"));
}

#[test]
fn a_branch_is_no_pull_request() {
    let on = |name| id(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REF", name)].into()).pull_request;
    assert_eq!(on("refs/heads/refs/pull/3"), None);
    assert_eq!(on("refs/pull/../merge"), None);
    assert_eq!(on("refs/pull/3/merge").as_deref(), Some("3"));
}

#[test]
fn act_repeats_its_numbers_so_the_process_names_the_run() {
    let env = [
        ("ACT", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", "1"),
        ("GITHUB_REPOSITORY", "o/r"),
    ];
    assert_eq!(id(&env.into()).ci, Ci::Act);
    assert_eq!(run_id(&env.into()), "local-aaaa0000-7-99");
    assert_eq!(id(&env.into()).repository.as_deref(), Some("o/r"));
}

#[test]
fn woodpecker_wins_over_the_drone_that_it_imitates() {
    let env = [
        ("CI", "woodpecker"),
        ("DRONE", "true"),
        ("CI_REPO", "o/r"),
        ("CI_PIPELINE_NUMBER", "5"),
        ("CI_WORKFLOW_NUMBER", "1"),
        ("CI_STEP_NUMBER", "3"),
        ("CI_COMMIT_PULL_REQUEST", "8"),
    ];
    assert_eq!(id(&env.into()).ci, Ci::Woodpecker);
    assert_eq!(id(&env.into()).pull_request.as_deref(), Some("8"));
    assert!(run_id(&env.into()).starts_with("woodpecker-o-r-5-1-3-"));
}

const DRONE: [(&str, &str); 6] = [
    ("DRONE", "true"),
    ("DRONE_REPO", "octo/cat"),
    ("DRONE_BUILD_NUMBER", "12"),
    ("DRONE_STAGE_NUMBER", "1"),
    ("DRONE_STEP_NUMBER", "4"),
    ("DRONE_PULL_REQUEST", "7"),
];

#[test]
fn drone_names_a_pull_request_only_in_its_event() {
    assert_eq!(id(&DRONE.into()).pull_request, None);
    let mut env = DRONE.to_vec();
    env.push(("DRONE_BUILD_EVENT", "pull_request"));
    let env: [_; 7] = env.try_into().unwrap();
    assert_eq!(id(&env.into()).pull_request.as_deref(), Some("7"));
    assert!(run_id(&env.into()).starts_with("drone-octo-cat-12-1-4-"));
}

#[test]
fn what_the_ci_does_not_tell_the_process_replaces() {
    let env: [_; 4] = DRONE[..4].to_vec().try_into().unwrap();
    let id = run_id(&env.into());
    assert!(
        id.starts_with("drone-octo-cat-12-1-") && id.ends_with("-aaaa0000-7-99"),
        "{id}"
    );
}

#[test]
fn a_hostile_value_cannot_leave_its_directory() {
    let env = [
        ("GITLAB_CI", "true"),
        ("CI_JOB_ID", "../../../etc/cron.d/x\n"),
    ];
    let id = run_id(&env.into());
    assert!(crate::slug::is_safe_name(&id), "{id}");
}

#[test]
fn gitlab_tells_its_limit_in_seconds_and_buildkite_in_minutes() {
    let gitlab = id(&[
        ("GITLAB_CI", "true"),
        ("CI_JOB_TIMEOUT", "3600"),
        ("CI_MERGE_REQUEST_IID", "2"),
    ]
    .into());
    assert_eq!(gitlab.limit.unwrap().span, Span::from_secs(3_600));
    assert_eq!(gitlab.pull_request.as_deref(), Some("2"));
    let buildkite = id(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_TIMEOUT", "10"),
        ("BUILDKITE_PULL_REQUEST", "false"),
    ]
    .into());
    assert_eq!(buildkite.limit.unwrap().span, Span::from_secs(600));
    assert_eq!(buildkite.pull_request, None);
    let wrong = id(&[("GITLAB_CI", "true"), ("CI_JOB_TIMEOUT", "soon")].into());
    assert_eq!(wrong.limit, None);
}

#[test]
fn a_token_in_a_clone_url_is_not_shown() {
    let plain = |url: &str| without_credentials(url.to_owned());
    assert_eq!(
        plain("https://user:tok@en@host/o/r.git"),
        "https://host/o/r.git"
    );
    assert_eq!(plain("https://host/o/r@v1.git"), "https://host/o/r@v1.git");
    assert_eq!(plain("git@host:o/r.git"), "git@host:o/r.git");
}

#[test]
fn jenkins_needs_both_of_its_marks() {
    assert_eq!(id(&[("BUILD_ID", "1")].into()).ci, Ci::None);
    let env = [
        ("JENKINS_URL", "http://j"),
        ("BUILD_ID", "1"),
        ("BUILD_TAG", "jenkins-a-1"),
        ("EXECUTOR_NUMBER", "0"),
    ];
    assert_eq!(id(&env.into()).ci, Ci::Jenkins);
    assert!(run_id(&env.into()).starts_with("jenkins-jenkins-a-1-0-"));
}

#[test]
fn laminar_nomad_and_systemd_come_last() {
    assert_eq!(
        id(&[("JOB", "j"), ("RUN", "3"), ("ARCHIVE", "/a")].into()).ci,
        Ci::Laminar
    );
    assert_eq!(
        id(&[("NOMAD_ALLOC_ID", "n"), ("INVOCATION_ID", "i")].into()).ci,
        Ci::Nomad
    );
    assert_eq!(id(&[("INVOCATION_ID", "i")].into()).ci, Ci::Systemd);
}

#[test]
fn a_shared_invocation_does_not_make_two_runs_one() {
    let id = run_id(&[("INVOCATION_ID", "abc")].into());
    assert!(
        id.starts_with("systemd-abc-") && id.ends_with("-aaaa0000-7-99"),
        "{id}"
    );
}

#[test]
fn without_a_ci_the_process_names_the_run() {
    assert_eq!(run_id(&Environment::default()), "local-aaaa0000-7-99");
    assert_eq!(
        run_id(&[("GITHUB_ACTIONS", "")].into()),
        "local-aaaa0000-7-99"
    );
}

#[test]
fn gitlab_says_since_when_its_limit_counts() {
    let started = |text| {
        let env = Environment::from([
            ("GITLAB_CI", "true"),
            ("CI_JOB_TIMEOUT", "60"),
            ("CI_JOB_STARTED_AT", text),
        ]);
        Identity::detect(&env).limit.unwrap().started
    };
    let moment = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_643_647_675);
    assert_eq!(started("2022-01-31T16:47:55Z"), Some(moment));
    assert_eq!(started("yesterday"), None);
}

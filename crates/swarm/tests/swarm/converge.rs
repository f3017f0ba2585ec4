//! Deploys that arrive, and deploys that do not.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use runward_swarm::{Convergence, Engine, ErrorKind, StackName, State, Wait};

use crate::{
    harness::{Bed, LONG, OBEYS, small},
    proxy::{Fate, Proxy},
};

fn wait(bed: &Bed, stack: &StackName) -> Convergence {
    let engine = bed.engine();
    let wait = Wait::new(&engine, stack.clone()).timeout(LONG);
    wait.run(&mut |_| ControlFlow::Continue(())).unwrap()
}

fn updated(command: &str, generation: u32) -> String {
    format!(
        r#"
version: "3.8"
services:
  web: {{image: "tiny:1", command: {command}, environment: ["GENERATION={generation}"], deploy: {{replicas: 2, update_config: {{monitor: 1s}}}}}}
"#
    )
}

#[test]
fn an_update_has_arrived_when_the_new_generation_runs() {
    let Some(bed) = Bed::new("an_update_has_arrived_when_the_new_generation_runs") else {
        return;
    };
    let stack = bed.stack();
    for generation in 0..2 {
        bed.deploy(&stack, &updated(OBEYS, generation));
        let arrived = wait(&bed, &stack);
        assert_eq!(arrived.state(), State::Settled, "{arrived:?}");
        let environments = bed.swarm.docker([
            "ps",
            "--quiet",
            "--filter",
            &format!("label=com.docker.stack.namespace={stack}"),
        ]);
        for container in environments.lines() {
            let environment =
                bed.swarm
                    .docker(["inspect", "--format", "{{.Config.Env}}", container]);
            assert!(
                environment.contains(&format!("GENERATION={generation}")),
                "{environment}"
            );
        }
    }
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn an_update_that_pauses_has_failed() {
    let Some(bed) = Bed::new("an_update_that_pauses_has_failed") else {
        return;
    };
    let stack = bed.stack();
    bed.deploy(&stack, &updated(OBEYS, 0));
    assert_eq!(wait(&bed, &stack).state(), State::Settled);
    bed.deploy(&stack, &updated(r#"["busybox","sh","-c","exit 3"]"#, 1));
    let paused = wait(&bed, &stack);
    assert_eq!(paused.state(), State::Failed);
    let words = paused.services()[0].to_string();
    assert!(
        words.contains("the update is paused") && words.contains("exit (3)"),
        "{words}"
    );
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn a_service_that_runs_once_is_done_when_it_has_ended_well() {
    let Some(bed) = Bed::new("a_service_that_runs_once_is_done_when_it_has_ended_well") else {
        return;
    };
    let once = |exit| {
        format!(
            r#"
version: "3.8"
services:
  once: {{image: "tiny:1", command: ["busybox","sh","-c","exit {exit}"], deploy: {{restart_policy: {{condition: none}}}}}}
"#
        )
    };
    let (well, badly) = (bed.stack(), bed.stack());
    bed.deploy(&well, &once(0));
    bed.deploy(&badly, &once(7));
    assert_eq!(wait(&bed, &well).state(), State::Settled);
    let failed = wait(&bed, &badly);
    assert_eq!(failed.state(), State::Failed);
    assert!(
        failed.services()[0]
            .to_string()
            .contains("not started again"),
        "{failed:?}"
    );
    for stack in [well, badly] {
        assert!(bed.remove(&stack).is_clean());
    }
}

#[test]
fn what_never_starts_ends_with_the_time_and_the_reason() {
    let Some(bed) = Bed::new("what_never_starts_ends_with_the_time_and_the_reason") else {
        return;
    };
    let stack = bed.stack();
    bed.deploy(
        &stack,
        &format!(
            r#"
version: "3.8"
services: {{web: {{image: "tiny:1", command: {OBEYS}, deploy: {{placement: {{constraints: ["node.labels.x==y"]}}}}}}}}
"#
        ),
    );
    let engine = bed.engine();
    let wait = Wait::new(&engine, stack.clone()).timeout(Duration::from_secs(2));
    let began = Instant::now();
    let late = wait.run(&mut |_| ControlFlow::Continue(())).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!(late.state(), State::InFlight);
    assert!(
        late.services()[0].to_string().contains("no suitable node"),
        "{late:?}"
    );
    let error = wait.run(&mut |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn a_stack_without_services_never_arrives() {
    let Some(bed) = Bed::new("a_stack_without_services_never_arrives") else {
        return;
    };
    let engine = bed.engine();
    let wait = Wait::new(&engine, bed.stack());
    let error = wait.run(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert!(error.to_string().contains("deploy it first"), "{error}");
}

/// Without events there is a clock; a manager that is away for a while is waited for.
#[test]
fn a_wait_outlives_an_engine_that_falters() {
    let Some(bed) = Bed::new("a_wait_outlives_an_engine_that_falters") else {
        return;
    };
    let stack = bed.stack();
    bed.deploy(&stack, &small(OBEYS));
    let mut looks = 0;
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| match call {
        "GET /events" => Fate::Drop,
        "GET /services" => {
            looks += 1;
            match looks {
                2 => Fate::Answer(500, "the leader is gone"),
                3 => Fate::Drop,
                _ => Fate::Pass,
            }
        }
        _ => Fate::Pass,
    });
    let engine = Engine::at(proxy.socket()).unwrap();
    let wait = Wait::new(&engine, stack.clone())
        .timeout(LONG)
        .stable(Duration::ZERO);
    let arrived = wait.run(&mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(arrived.state(), State::Settled);
    assert!(bed.remove(&stack).is_clean());
}

//! What is removed, what is left alone, and in which order.

use std::{ops::ControlFlow, time::Duration};

use runward_swarm::{Engine, ErrorKind, Event, Kind, Object, Pass, StackName, Step, Teardown};

use crate::{
    harness::{Bed, OBEYS, everything, go_on, small, until},
    proxy::{Fate, Proxy},
};

#[test]
fn a_stack_goes_as_a_whole() {
    let Some(bed) = Bed::new("a_stack_goes_as_a_whole") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let report = bed.remove(&stack);
    assert!(report.is_clean(), "{report}");
    let kinds: Vec<_> = report.removed().iter().map(Object::kind).collect();
    use Kind::{Config, Network, Secret, Service, Volume};
    assert_eq!(kinds, [Service, Service, Config, Secret, Network, Volume]);
    assert_eq!(bed.inventory(&stack), [""; 0]);
    assert!(bed.remove(&stack).removed().is_empty());
}

#[test]
fn a_neighbour_with_a_name_that_goes_on_keeps_all() {
    let Some(bed) = Bed::new("a_neighbour_with_a_name_that_goes_on_keeps_all") else {
        return;
    };
    let stack = bed.stack();
    let beside = StackName::new(format!("{stack}2")).unwrap();
    let below = StackName::new(format!("{stack}_more")).unwrap();
    let later = StackName::new(format!("{stack}_later")).unwrap();
    for stack in [&stack, &beside, &below] {
        bed.run(stack, &everything(&bed, stack));
    }
    bed.secret(&format!("{later}_db_password_v1"));
    let before: Vec<_> = [&beside, &below].map(|stack| bed.inventory(stack)).into();

    let engine = bed.engine();
    let teardown = Teardown::new(&engine, stack.clone()).others([later.clone()]);
    let report = teardown.run(&mut go_on).unwrap();
    assert!(report.is_clean(), "{report}");
    let mut secrets = report
        .removed()
        .iter()
        .filter(|object| object.kind() == Kind::Secret);
    assert_eq!(
        secrets.next().unwrap().name(),
        format!("{stack}_db_password_v1")
    );
    assert_eq!(secrets.next(), None);

    let after: Vec<_> = [&beside, &below].map(|stack| bed.inventory(stack)).into();
    assert_eq!(before, after);
    assert_eq!(bed.inventory(&later).len(), 1);
    for stack in [&beside, &below, &later] {
        assert!(bed.remove(stack).is_clean());
    }
}

#[test]
fn what_the_stack_only_joined_stays() {
    let Some(bed) = Bed::new("what_the_stack_only_joined_stays") else {
        return;
    };
    let stack = bed.stack();
    let proxy = format!("proxy-of-{stack}");
    let hand_made = format!("{stack}_backup");
    bed.swarm
        .docker(["network", "create", "-d", "overlay", &proxy]);
    bed.swarm.docker(["volume", "create", &hand_made]);
    bed.run(&stack, &joining(&proxy, OBEYS));
    let report = bed.remove(&stack);
    assert!(report.is_clean(), "{report}");
    let note = report.notes().next().unwrap().to_owned();
    assert!(
        note.contains(&hand_made) && note.contains("left alone"),
        "{note}"
    );
    bed.swarm.docker(["volume", "rm", &hand_made]);
    bed.swarm.docker(["network", "rm", &proxy]);
}

pub(crate) fn joining(network: &str, command: &str) -> String {
    format!(
        r#"
version: "3.8"
services: {{web: {{image: "tiny:1", command: {command}, networks: [proxy, inner]}}}}
networks: {{inner: {{}}, proxy: {{external: true, name: {network}}}}}
"#
    )
}

/// Thirteen addresses for services, tasks and the balancer: one lost in each round is noticed before the last.
#[test]
fn a_shared_network_loses_no_address() {
    let Some(bed) = Bed::new("a_shared_network_loses_no_address") else {
        return;
    };
    let stack = bed.stack();
    let proxy = format!("narrow-{stack}");
    bed.swarm.docker([
        "network",
        "create",
        "-d",
        "overlay",
        "--subnet",
        "10.99.0.0/28",
        &proxy,
    ]);
    for round in 0..16 {
        bed.run(&stack, &joining(&proxy, OBEYS));
        let report = bed.remove(&stack);
        assert!(report.is_clean(), "round {round}: {report}");
    }
    bed.swarm.docker(["network", "rm", &proxy]);
}

#[test]
fn networks_outlive_containers_that_are_slow_to_stop() {
    let Some(bed) = Bed::new("networks_outlive_containers_that_are_slow_to_stop") else {
        return;
    };
    let stack = bed.stack();
    let deaf = r#"["busybox","sh","-c","trap '' TERM; while :; do busybox sleep 1; done"]"#;
    bed.run(
        &stack,
        &format!(
            r#"
version: "3.8"
services: {{db: {{image: "tiny:1", command: {deaf}, stop_grace_period: 3s}}}}
"#
        ),
    );
    let running = running(&bed, &stack);
    let (seen, told) = std::sync::mpsc::channel();
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| {
        if call.starts_with("DELETE /networks") {
            seen.send(running()).unwrap();
        }
        Fate::Pass
    });
    let report = bed.remove_by(&Engine::at(proxy.socket()).unwrap(), &stack);
    assert!(report.is_clean(), "{report}");
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [""]);
}

/// The containers of a stack as the command line shows them.
fn running(bed: &Bed, stack: &StackName) -> impl Fn() -> String + Send + 'static {
    let swarm = bed.swarm;
    let filter = format!("label=com.docker.stack.namespace={stack}");
    move || swarm.docker(["ps", "--all", "--quiet", "--filter", &filter])
}

#[test]
fn a_container_that_does_not_stop_holds_up_the_networks() {
    let Some(bed) = Bed::new("a_container_that_does_not_stop_holds_up_the_networks") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    // A container of a task that nobody stops, as an engine that was killed leaves it.
    let label = format!("com.docker.stack.namespace={stack}");
    let task = "com.docker.swarm.task.id=forgotten";
    let stuck = bed.swarm.docker([
        "create",
        "--label",
        &label,
        "--label",
        task,
        "--name",
        &format!("stuck-{stack}"),
        "tiny:1",
        "true",
    ]);
    let proxy = Proxy::new(&bed.swarm.socket(), |_| Fate::Pass);
    let report = bed.remove_by(&Engine::at(proxy.socket()).unwrap(), &stack);
    assert_eq!(
        report.left(),
        [format!("task stuck-{stack} (container created)")]
    );
    let removals = proxy.removals();
    assert!(
        removals
            .iter()
            .all(|call| call.starts_with("DELETE /services")),
        "{removals:?}"
    );
    bed.swarm.docker(["rm", &stuck]);
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn a_service_that_comes_meanwhile_is_found() {
    let Some(bed) = Bed::new("a_service_that_comes_meanwhile_is_found") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &small(OBEYS));
    let engine = bed.engine();
    let mut made = false;
    let mut removed = 0;
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Step(Step::Volumes)) && !made {
            made = true;
            bed.deploy(&stack, &small(OBEYS));
        }
        removed += usize::from(matches!(event, Event::Removed(_)));
        ControlFlow::Continue(())
    };
    let report = Teardown::new(&engine, stack.clone())
        .run(&mut watch)
        .unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((made, removed), (true, 4), "{report:?}");
    assert_eq!(bed.inventory(&stack), [""; 0]);
}

/// What one look has missed is found by the one after it.
#[test]
fn gone_is_gone_in_two_looks() {
    let Some(bed) = Bed::new("gone_is_gone_in_two_looks") else {
        return;
    };
    let stack = bed.stack();
    let label = format!("com.docker.stack.namespace={stack}");
    let volume = format!("{stack}_late");
    bed.swarm
        .docker(["volume", "create", "--label", &label, &volume]);
    // At first, at each of five steps, and at the end: seven looks miss it.
    let mut looks = 0;
    let hide = stack.as_str().to_owned();
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| {
        looks += usize::from(call == "GET /volumes");
        match call == "GET /volumes" && looks <= 7 {
            true => Fate::Rewrite(hide.clone(), "hidden".into()),
            false => Fate::Pass,
        }
    });
    let report = bed.remove_by(&Engine::at(proxy.socket()).unwrap(), &stack);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.removed().len(), 1);
    assert_eq!(bed.inventory(&stack), [""; 0]);
}

#[test]
fn a_stopped_container_keeps_a_volume_until_it_goes() {
    let Some(bed) = Bed::new("a_stopped_container_keeps_a_volume_until_it_goes") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let mount = format!("{stack}_data:/data");
    let stopped = bed
        .swarm
        .docker(["create", "--volume", &mount, "tiny:1", "true"]);

    let report = bed.remove(&stack);
    let [left] = report.left() else {
        panic!("{report}");
    };
    assert!(
        left.contains("volume is in use") && left.contains(&stopped),
        "{left}"
    );
    assert_eq!(bed.inventory(&stack), [format!("volume {stack}_data")]);

    let engine = bed.engine();
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Waiting(_)) {
            bed.swarm.docker(["rm", &stopped]);
        }
        ControlFlow::Continue(())
    };
    let report = Teardown::new(&engine, stack).run(&mut watch).unwrap();
    assert!(report.is_clean(), "{report}");
}

#[test]
fn ended_at_any_step_it_can_be_begun_again() {
    let Some(bed) = Bed::new("ended_at_any_step_it_can_be_begun_again") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let engine = bed.engine();
    let teardown = Teardown::new(&engine, stack.clone());
    for end in Step::ALL {
        let mut watch = |event: &Event<'_>| match event {
            Event::Step(step) if *step == end => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let error = teardown.run(&mut watch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{end}");
    }
    assert_eq!(bed.inventory(&stack), [format!("volume {stack}_data")]);
    let mut refuse = |event: &Event<'_>| match event {
        Event::Removing(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    teardown.run(&mut refuse).unwrap_err();
    assert_eq!(bed.inventory(&stack), [format!("volume {stack}_data")]);
    assert!(teardown.run(&mut go_on).unwrap().is_clean());
}

#[test]
fn two_at_once_are_as_one() {
    let Some(bed) = Bed::new("two_at_once_are_as_one") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| bed.remove(&stack));
        (bed.remove(&stack), other.join().unwrap())
    });
    assert!(first.is_clean() && second.is_clean(), "{first}\n{second}");
    assert_eq!(bed.inventory(&stack), [""; 0]);
}

#[test]
fn volumes_of_other_nodes_are_named() {
    let Some(bed) = Bed::new("volumes_of_other_nodes_are_named") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let node = bed.swarm.docker(["node", "ls", "--quiet"]);
    let name = bed.swarm.docker(["info", "--format", "{{.Name}}"]);
    // For whoever asks, this engine is another node than the one on which the tasks are.
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| match call {
        "GET /info" => Fate::Rewrite(node.clone(), "elsewhere".into()),
        _ => Fate::Pass,
    });
    let report = bed.remove_by(&Engine::at(proxy.socket()).unwrap(), &stack);
    assert!(report.is_clean(), "{report}");
    let notes: Vec<_> = report.notes().collect();
    let expected = format!("volume {stack}_data on node {name} cannot be reached from here");
    assert!(
        notes.len() == 1 && notes[0].starts_with(&expected),
        "{notes:?}"
    );
}

/// The engine loses a task from its list before the container is gone.
#[test]
fn an_empty_list_of_tasks_is_not_believed() {
    let Some(bed) = Bed::new("an_empty_list_of_tasks_is_not_believed") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &small(OBEYS));
    let forget = format!("\"com.docker.stack.namespace\":\"{stack}\"");
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| match call {
        "GET /tasks" | "GET /services" => Fate::Rewrite(forget.clone(), "\"x\":\"y\"".into()),
        _ => Fate::Pass,
    });
    let engine = Engine::at(proxy.socket()).unwrap();
    let teardown = Teardown::new(&engine, stack.clone()).patience(Duration::ZERO);
    let Pass::Again(waited) = teardown.step(Step::Tasks, &mut go_on).unwrap() else {
        panic!("a container runs still");
    };
    assert!(waited.contains("container running"), "{waited}");
    assert!(bed.remove(&stack).is_clean());
    until("the stack is gone", || bed.inventory(&stack).is_empty());
}

//! What is removed, what is left alone, and in which order.

use std::{ops::ControlFlow, time::Duration};

use runward_swarm::{Event, Kind, StackName, Step, Teardown};

use crate::harness::{Bed, OBEYS};

fn everything(secret: &str) -> String {
    format!(
        r#"
version: "3.8"
services:
  web:
    image: tiny:1
    command: {OBEYS}
    volumes: ["data:/data"]
    networks: [inner]
    configs: [conf]
    secrets: [password]
  db: {{image: "tiny:1", command: {OBEYS}, networks: [inner]}}
networks: {{inner: {{}}}}
volumes: {{data: {{}}}}
configs: {{conf: {{file: ./log}}}}
secrets: {{password: {{external: true, name: {secret}}}}}
"#
    )
}

#[test]
fn a_stack_goes_as_a_whole() {
    let Some(bed) = Bed::new("a_stack_goes_as_a_whole") else {
        return;
    };
    let stack = bed.stack();
    let secret = format!("{stack}_db_password_v1");
    bed.secret(&secret);
    bed.run(&stack, &everything(&secret));
    let report = bed.remove(&stack);
    assert!(report.is_clean(), "{report}");
    let kinds: Vec<_> = report
        .removed()
        .iter()
        .map(|object| object.kind())
        .collect();
    use Kind::{Config, Network, Secret, Service, Volume};
    assert_eq!(kinds, [Service, Service, Config, Secret, Network, Volume]);
    assert_eq!(bed.inventory(&stack), [""; 0]);
    assert!(bed.remove(&stack).removed().is_empty());
}

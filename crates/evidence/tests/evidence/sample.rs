//! A bundle for the spec of a policy under a scheduler, as such a run could leave it: made up, and small.

use runward_evidence::Memory;
use serde_json::{Value, json};

const PHASES: [&str; 4] = ["active", "rebuild", "inactive", "failover"];
/// Packets of the policy, and of the one behind it, phase by phase.
const PACKETS: [[u64; 2]; 4] = [[5, 50], [6, 60], [6, 70], [9, 80]];
const MACS: [&str; 2] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// All of it.
pub(crate) fn policy_scheduler() -> Memory {
    let mut bundle = Memory::new();
    for (at, phase) in PHASES.into_iter().enumerate() {
        let status = status(at);
        let counters = &status["policy_rule_counters"];
        let programs = &status["entry_programs"];
        let mut raw = status.clone();
        for added in ["entry_programs", "dataplane_mode"] {
            raw.as_object_mut().unwrap().remove(added);
        }
        let answer = |status: &Value| json!({"ok": true, "status": status}).to_string();
        bundle.insert(format!("{phase}-status.json"), answer(&status));
        bundle.insert(
            format!("{phase}-policy-counters.json"),
            counters.to_string(),
        );
        bundle.insert(format!("raw/{phase}-control-status.raw.json"), answer(&raw));
        bundle.insert(
            format!("raw/{phase}-entry-programs.json"),
            programs.to_string(),
        );
        bundle.insert(format!("raw/{phase}-ip-link.raw.json"), links().to_string());
    }
    for (file, text) in texts() {
        bundle.insert(file, text);
    }
    bundle
}

/// A second of the minute in which a phase was captured.
fn time(at: usize, second: u32) -> String {
    format!("2026-01-01T00:0{}:{second:02}Z", at + 1)
}

fn status(at: usize) -> Value {
    let node = usize::from(at == 3);
    let group = |rg: u32| json!({"rg_id": rg, "active": true, "forwarding_active": true, "lease_state": "active"});
    let worker = |id: u32| json!({"worker_id": id, "dead": false});
    let binding = |slot: u32| json!({"slot": slot, "ready": true, "tx_kick_latency_hist": [1, 2, 0], "tx_kick_latency_count": 3});
    json!({
        "config_snapshot_protocol_version": 2,
        "capabilities": {"forwarding_supported": true, "unsupported_reasons": []},
        "forwarding_armed": true,
        "enabled": true,
        "dataplane_mode": "userspace_strict",
        "entry_programs": {"4": "xdp_userspace_p", "5": "xdp_userspace_p"},
        "pid": 100 + node,
        "started_at": format!("2026-01-01T00:00:0{node}Z"),
        "workers": 2,
        "worker_runtime": [worker(0), worker(1)],
        "worker_heartbeats": [time(at, 5), time(at, 6)],
        "debug_planned_bindings": 2,
        "bindings": [binding(0), binding(1)],
        "policy_rule_counters": counters(PACKETS[at]),
        "last_snapshot_at": time(at, 1),
        "last_snapshot_generation": 10 + at,
        "recent_session_deltas": [session(at, 0, "close"), session(at, 2, "open")],
        "fabrics": [{"local_mac": MACS[node], "peer_mac": MACS[1 - node]}],
        "ha_groups": [group(0), group(1), group(2)],
    })
}

fn counters([policy, behind]: [u64; 2]) -> Value {
    let row =
        |id: &str, packets: u64| json!({"rule_id": id, "packets": packets, "bytes": packets * 100});
    json!([
        row("lan->wan/scheduled-allow", policy),
        row("lan->wan/allow-all", behind)
    ])
}

fn session(at: usize, second: u32, event: &str) -> Value {
    json!({
        "timestamp": time(at, second), "event": event, "protocol": 1, "ingress_zone": "lan", "egress_zone": "wan",
    })
}

fn links() -> Value {
    let link = |index: u32| json!({"ifindex": index, "xdp": {"prog": {"id": 7, "name": "xdp_userspace_p"}}});
    json!([{"ifindex": 1}, link(4), link(5)])
}

fn texts() -> [(&'static str, String); 6] {
    let meta = format!(
        "commit: {COMMIT}\ncommit_short: {}\ndate_utc: 2026-01-01T00:00:30Z\n",
        &COMMIT[..12]
    );
    let refused = "error: commit failed: policy \"scheduled-allow\" references undefined scheduler \"night\"\nconfiguration rolled back\n";
    let stats = "Dataplane helper:\n  PID:  101\n  Last snapshot generation:  13\n  Local HA forwarding role:  active\n";
    [
        ("run-metadata.txt", meta),
        ("missing-scheduler-commit.txt", refused.to_owned()),
        ("failover-node1-dp-stats.txt", stats.to_owned()),
        ("failover-cluster-status.txt", cluster([0, 1, 1])),
        ("restore-final-cluster-status.txt", cluster([0, 0, 0])),
        (
            "restore-final-configuration.txt",
            "policies { allow-all; }\n".to_owned(),
        ),
    ]
}

/// By which node each redundancy group is owned.
fn cluster(owners: [usize; 3]) -> String {
    let version = format!("fw-1-g{}", &COMMIT[..8]);
    let mut text = format!("Software version: {version}\nPeer software version: {version}\n");
    for (rg, owner) in owners.into_iter().enumerate() {
        text += &format!("\nRedundancy group: {rg} , Failover count: 0\n");
        for node in 0..2 {
            let role = if node == owner {
                "primary"
            } else {
                "secondary"
            };
            text += &format!("node{node}  100  {role}  no\n");
        }
    }
    text
}

//! What the engine's listings say, as far as it is needed. All else is passed over, and what is absent is empty.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Deserializer};

/// The label that `docker stack deploy` puts on all that it makes.
pub(crate) const STACK: &str = "com.docker.stack.namespace";
const TASK: &str = "com.docker.swarm.task.id";

pub(crate) type Labels = BTreeMap<String, String>;

/// A name with labels, as services, configs and secrets have it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Annotations {
    pub(crate) name: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) labels: Labels,
}

/// A config or a secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stored {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) created_at: Option<SystemTime>,
    pub(crate) spec: Annotations,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Service {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) created_at: Option<SystemTime>,
    #[serde(default, deserialize_with = "time")]
    pub(crate) updated_at: Option<SystemTime>,
    pub(crate) spec: ServiceSpec,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) update_status: UpdateStatus,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) endpoint: Endpoint,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) job_status: JobStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ServiceSpec {
    #[serde(flatten)]
    pub(crate) annotations: Annotations,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) update_config: UpdateConfig,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Mode {
    pub(crate) replicated: Option<Replicated>,
    pub(crate) replicated_job: Option<ReplicatedJob>,
    pub(crate) global_job: Option<GlobalJob>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Replicated {
    pub(crate) replicas: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReplicatedJob {
    pub(crate) total_completions: Option<u64>,
    pub(crate) max_concurrent: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GlobalJob {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdateConfig {
    /// In nanoseconds.
    pub(crate) monitor: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdateStatus {
    pub(crate) state: String,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct JobStatus {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) job_iteration: Version,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Version {
    pub(crate) index: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Endpoint {
    #[serde(rename = "VirtualIPs", deserialize_with = "null_is_default")]
    pub(crate) virtual_ips: Vec<VirtualIp>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VirtualIp {
    #[serde(rename = "NetworkID", default)]
    pub(crate) network: String,
    #[serde(rename = "Addr", default)]
    pub(crate) address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TaskSpec {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) container_spec: ContainerSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ContainerSpec {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) labels: Labels,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) mounts: Vec<Mount>,
    /// In nanoseconds.
    pub(crate) stop_grace_period: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Mount {
    pub(crate) r#type: String,
    pub(crate) source: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Task {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) version: Version,
    #[serde(default, deserialize_with = "time")]
    pub(crate) created_at: Option<SystemTime>,
    #[serde(default)]
    pub(crate) spec: TaskSpec,
    #[serde(rename = "ServiceID", default)]
    pub(crate) service: String,
    #[serde(default)]
    pub(crate) slot: u64,
    #[serde(rename = "NodeID", default)]
    pub(crate) node: String,
    pub(crate) status: TaskStatus,
    #[serde(default)]
    pub(crate) desired_state: TaskState,
    #[serde(default)]
    pub(crate) job_iteration: Option<Version>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) networks_attachments: Vec<Attachment>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TaskStatus {
    #[serde(default, deserialize_with = "time")]
    pub(crate) timestamp: Option<SystemTime>,
    #[serde(default)]
    pub(crate) state: TaskState,
    #[serde(default)]
    pub(crate) err: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) container_status: ContainerStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerStatus {
    #[serde(rename = "ExitCode")]
    pub(crate) exit_code: i64,
}

/// The states of a task, in the order in which it goes through them; it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskState {
    New,
    Allocated,
    Pending,
    Assigned,
    Accepted,
    Preparing,
    Ready,
    Starting,
    Running,
    Complete,
    Shutdown,
    Failed,
    Rejected,
    Remove,
    Orphaned,
    /// One that this crate has not heard of: not known to have ended.
    #[default]
    #[serde(other)]
    Unknown,
}

impl TaskState {
    /// Whether nothing of it runs any more.
    pub(crate) fn is_terminal(self) -> bool {
        (Self::Complete..=Self::Orphaned).contains(&self)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attachment {
    #[serde(default)]
    pub(crate) network: AttachedNetwork,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) addresses: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AttachedNetwork {
    #[serde(rename = "ID")]
    pub(crate) id: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Container {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) labels: Labels,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) created: i64,
}

impl Container {
    /// The task whose container it is. One without a task nobody will ever remove but its maker.
    pub(crate) fn task(&self) -> Option<&str> {
        self.labels.get(TASK).map(String::as_str)
    }

    pub(crate) fn name(&self) -> &str {
        let name = self.names.first().map_or(self.id.as_str(), String::as_str);
        name.trim_start_matches('/')
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Network {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) created: Option<SystemTime>,
    #[serde(default)]
    pub(crate) driver: String,
    #[serde(default)]
    pub(crate) scope: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) labels: Labels,
    #[serde(rename = "IPAM", default, deserialize_with = "null_is_default")]
    pub(crate) ipam: Ipam,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Ipam {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) config: Vec<Subnet>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Subnet {
    pub(crate) subnet: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Volumes {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) volumes: Vec<Volume>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Volume {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) created_at: Option<SystemTime>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) labels: Labels,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Node {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) description: Description,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Description {
    pub(crate) hostname: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Info {
    #[serde(default)]
    pub(crate) docker_root_dir: String,
    #[serde(default)]
    pub(crate) swarm: SwarmInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SwarmInfo {
    #[serde(rename = "NodeID")]
    pub(crate) node: String,
}

/// The engine writes `null` where a list or a map is empty.
pub(crate) fn null_is_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A time that cannot be read is none: times are shown, and decide only how long to wait.
pub(crate) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    Ok(text.and_then(|text| humantime::parse_rfc3339(&text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_never_heard_of_has_not_ended() {
        let state: TaskState = serde_json::from_str("\"levitating\"").unwrap();
        assert!(!state.is_terminal());
        assert!(!TaskState::Running.is_terminal());
        for state in [
            "complete", "shutdown", "failed", "rejected", "remove", "orphaned",
        ] {
            let state: TaskState = serde_json::from_str(&format!("{state:?}")).unwrap();
            assert!(state.is_terminal());
        }
    }

    #[test]
    fn null_is_empty() {
        let network = r#"{"Id":"n","Name":"x","Labels":null,"IPAM":null,"Created":"yesterday"}"#;
        let network: Network = serde_json::from_str(network).unwrap();
        assert!(network.labels.is_empty() && network.ipam.config.is_empty());
        assert_eq!(network.created, None);
    }
}

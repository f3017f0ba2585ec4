//! What stacks use up on an engine, and how much of it there is.

use std::collections::{BTreeMap, BTreeSet};

use runward_janitor::Headroom;
use rustix::fs::statvfs;
use serde::Deserialize;

use crate::{
    Engine, Error,
    data::{Info, Network, Service, Task},
    engine::escape,
};

pub(crate) fn of(engine: &Engine) -> Result<Vec<Headroom>, Error> {
    let networks: Vec<Network> = engine.get("/networks")?;
    let services: Vec<Service> = engine.get("/services")?;
    let tasks: Vec<Task> = engine.get("/tasks")?;
    let info: Info = engine.get("/info")?;
    let mut all = Vec::new();
    for network in networks
        .iter()
        .filter(|n| n.driver == "overlay" && n.scope == "swarm")
    {
        all.extend(addresses(engine, network, &services, &tasks)?);
    }
    all.extend(disk(&info.docker_root_dir));
    Ok(all)
}

/// The engine's own count where it has one, else ours; in ours what the engine has lost is not seen.
fn addresses(
    engine: &Engine,
    network: &Network,
    services: &[Service],
    tasks: &[Task],
) -> Result<Vec<Headroom>, Error> {
    let inspected: Inspected = engine.get(&format!("/networks/{}", escape(&network.id)))?;
    let counted = inspected.status.ipam.subnets;
    let subnets = network
        .ipam
        .config
        .iter()
        .map(|config| config.subnet.as_str());
    Ok(subnets
        .filter_map(|subnet| {
            let what = format!("addresses of network {} ({subnet})", network.name);
            if let Some(count) = counted.get(subnet) {
                let limit = count.used.saturating_add(count.free);
                return Some(Headroom::new(what, count.used, limit));
            }
            let used = used(&network.id, services, tasks);
            Some(Headroom::new(what, used, usable(subnet)?))
        })
        .collect())
}

/// Gateway, one address for each service, one for each task that has not ended, and one for each node that balances load there.
fn used(network: &str, services: &[Service], tasks: &[Task]) -> u64 {
    let virtual_ips = services
        .iter()
        .flat_map(|service| &service.endpoint.virtual_ips);
    let virtual_ips = virtual_ips.filter(|ip| ip.network == network && !ip.address.is_empty());
    let alive = tasks.iter().filter(|task| !task.status.state.is_terminal());
    let attached = alive.flat_map(|task| {
        let here = task.networks_attachments.iter();
        let here = here.filter(|attachment| attachment.network.id == network);
        here.map(move |attachment| (task.node.as_str(), attachment.addresses.len() as u64))
    });
    let attached: Vec<_> = attached.collect();
    let nodes: BTreeSet<_> = attached.iter().map(|(node, _)| node).collect();
    let of_tasks: u64 = attached.iter().map(|(_, addresses)| addresses).sum();
    1 + virtual_ips.count() as u64 + of_tasks + nodes.len() as u64
}

/// How many addresses of an IPv4 subnet can be given; none for what is no such subnet.
fn usable(subnet: &str) -> Option<u64> {
    let (address, prefix) = subnet.split_once('/')?;
    address.parse::<std::net::Ipv4Addr>().ok()?;
    let bits = 32_u32.checked_sub(prefix.parse().ok()?)?;
    Some((1_u64 << bits).saturating_sub(2))
}

/// Of the file system with the engine's data, where that is on this machine.
fn disk(root: &str) -> Option<Headroom> {
    let fs = statvfs(root).ok()?;
    let mib = |blocks: u64| blocks.saturating_mul(fs.f_frsize) >> 20;
    let used = fs.f_blocks.saturating_sub(fs.f_bavail);
    let what = format!("MiB of the disk with {root}");
    Some(Headroom::new(what, mib(used), mib(fs.f_blocks)))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Inspected {
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(rename = "IPAM")]
    ipam: Counted,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Counted {
    subnets: BTreeMap<String, Count>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Count {
    #[serde(rename = "IPsInUse")]
    used: u64,
    #[serde(rename = "DynamicIPsAvailable")]
    free: u64,
}

#[cfg(test)]
mod tests {
    use super::usable;

    #[test]
    fn a_subnet_has_two_addresses_that_nobody_gets() {
        assert_eq!(usable("10.0.1.0/28"), Some(14));
        assert_eq!(usable("10.0.0.0/8"), Some((1 << 24) - 2));
        assert_eq!(usable("10.0.0.0/32"), Some(0));
        for none in ["fd00::/64", "10.0.0.0", "10.0.0.0/33", ""] {
            assert_eq!(usable(none), None, "{none}");
        }
    }
}

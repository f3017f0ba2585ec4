//! All that an engine has, in one listing of each kind, and which stack each object belongs to.

use std::collections::BTreeSet;

use crate::{
    Engine, Error, StackName,
    data::{Container, Info, Labels, Network, Node, STACK, Service, Stored, Task, Volume, Volumes},
};

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) services: Vec<Service>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) containers: Vec<Container>,
    pub(crate) configs: Vec<Stored>,
    pub(crate) secrets: Vec<Stored>,
    pub(crate) networks: Vec<Network>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) nodes: Vec<Node>,
    /// The node that we ask; of no other are containers and volumes seen.
    pub(crate) here: String,
    known: BTreeSet<StackName>,
}

impl World {
    /// One listing per kind, however many stacks there are. `also` are names of stacks of which perhaps only secrets are there.
    pub(crate) fn look(engine: &Engine, also: &[StackName]) -> Result<Self, Error> {
        let info: Info = engine.get("/info")?;
        let volumes: Volumes = engine.get("/volumes")?;
        let mut world = Self {
            // Makers before what they make: what appears meanwhile is seen with its maker, or in the next look.
            services: engine.get("/services")?,
            tasks: engine.get("/tasks")?,
            containers: engine.get("/containers/json?all=1")?,
            configs: engine.get("/configs")?,
            secrets: engine.get("/secrets")?,
            networks: engine.get("/networks")?,
            volumes: volumes.volumes,
            nodes: Vec::new(),
            here: info.swarm.node,
            known: also.iter().cloned().collect(),
        };
        if world.tasks.iter().any(|task| world.is_elsewhere(task)) {
            world.nodes = engine.get("/nodes")?;
        }
        let labelled: Vec<StackName> = world.labels().filter_map(labelled).collect();
        world.known.extend(labelled);
        Ok(world)
    }

    /// Only what works: services, tasks, containers.
    pub(crate) fn look_at_work(engine: &Engine) -> Result<Self, Error> {
        Ok(Self {
            services: engine.get("/services")?,
            tasks: engine.get("/tasks")?,
            containers: engine.get("/containers/json?all=1")?,
            ..Self::empty()
        })
    }

    fn empty() -> Self {
        Self {
            services: Vec::new(),
            tasks: Vec::new(),
            containers: Vec::new(),
            configs: Vec::new(),
            secrets: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
            nodes: Vec::new(),
            here: String::new(),
            known: BTreeSet::new(),
        }
    }

    /// Whether its containers and volumes are on another node than the one that we ask.
    pub(crate) fn is_elsewhere(&self, task: &Task) -> bool {
        !self.here.is_empty() && !task.node.is_empty() && task.node != self.here
    }

    pub(crate) fn hostname<'a>(&'a self, node: &'a str) -> &'a str {
        let mut nodes = self.nodes.iter();
        let named = nodes.find(|known| known.id == node && !known.description.hostname.is_empty());
        named.map_or(node, |known| &known.description.hostname)
    }

    /// Every stack of which anything is there.
    pub(crate) fn stacks(&self) -> BTreeSet<StackName> {
        let labelled = self.labels().filter_map(labelled);
        let stored = self.configs.iter().chain(&self.secrets);
        let prefixed = stored.filter_map(|stored| self.stack_of_stored(stored));
        labelled.chain(prefixed).collect()
    }

    /// The stack whose label or, for want of one, whose full name is on a config or a secret: those that are made before the stack
    /// and are external to it bear no label.
    pub(crate) fn stack_of_stored(&self, stored: &Stored) -> Option<StackName> {
        match stored.spec.labels.contains_key(STACK) {
            true => labelled(&stored.spec.labels),
            false => self.stack_of_name(&stored.spec.name),
        }
    }

    /// The stack with the longest name that an object's name begins with.
    pub(crate) fn stack_of_name(&self, name: &str) -> Option<StackName> {
        let of_it = self.known.iter().filter(|stack| stack.is_prefix_of(name));
        of_it.max_by_key(|stack| stack.as_str().len()).cloned()
    }

    fn labels(&self) -> impl Iterator<Item = &Labels> {
        let services = self.services.iter().map(|s| &s.spec.annotations.labels);
        let tasks = self.tasks.iter().map(|t| &t.spec.container_spec.labels);
        let containers = self.containers.iter().map(|c| &c.labels);
        let stored = self.configs.iter().chain(&self.secrets);
        let networks = self.networks.iter().map(|n| &n.labels);
        let volumes = self.volumes.iter().map(|v| &v.labels);
        services
            .chain(tasks)
            .chain(containers)
            .chain(stored.map(|s| &s.spec.labels))
            .chain(networks)
            .chain(volumes)
    }
}

/// The stack that the label names; a label that names none that could be is nobody's.
pub(crate) fn labelled(labels: &Labels) -> Option<StackName> {
    StackName::new(labels.get(STACK)?.as_str()).ok()
}

/// Whether the label says that it belongs to this stack.
pub(crate) fn belongs(labels: &Labels, stack: &StackName) -> bool {
    labels
        .get(STACK)
        .is_some_and(|label| label == stack.as_str())
}

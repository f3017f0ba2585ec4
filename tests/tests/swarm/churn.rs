//! Runs that come and go on a real Swarm and end in every way there is, with sweeps that are killed too.

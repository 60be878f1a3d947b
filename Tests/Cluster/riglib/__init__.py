"""The parts of Tests/Cluster/rig."""

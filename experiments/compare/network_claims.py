"""Capabilities of the network engine, and of the engines beside each other."""

from __future__ import annotations

import evidence
from capability import Capability, tests

__all__ = ["NETWORK"]

NETWORK = (
    Capability(
        claim="Routers, credits and die boundaries behave as in BookSim2",
        proofs=(
            "experiments/noc_validation",
            *tests("simulation/test_network_reference", "every_deterministic_burst_of_the_reference_is_met_exactly"),
        ),
        evidence=evidence.validation,
    ),
    Capability(
        claim="The compiled engine equals its plain twin in every packet",
        proofs=tests(
            "simulation/test_network_twin",
            "compiled_and_plain_engine_agree_on_meshes",
            "compiled_and_plain_engine_agree_on_tasks",
        ),
    ),
    Capability(
        claim="No flit, credit or packet is lost; a million random packets, over all routings, arrive",
        proofs=tests(
            "simulation/test_network_conservation",
            "when_all_has_arrived_every_credit_and_every_place_is_free_again",
            "a_million_packets_in_all_arrive_however_much_is_offered",
        ),
    ),
    Capability(
        claim="Simulated cycles a second",
        proofs=("benchmarks",),
        evidence=evidence.speed,
    ),
    Capability(
        claim="Large networks and many packets",
        proofs=("benchmarks",),
        evidence=evidence.growth,
    ),
    Capability(
        claim="The analytical engine agrees with the cycle-level one on placed workloads",
        proofs=(
            "experiments/engines",
            *tests(
                "simulation/test_simulation_cycle",
                "both_engines_agree_to_the_cycle_on_a_tensor_alone_in_a_die",
                "channels_of_the_meshes_carry_the_same_in_both_engines",
            ),
        ),
        evidence=evidence.engines,
    ),
    Capability(
        claim="Bursts over a die-to-die link are predicted",
        proofs=("experiments/engines",),
        evidence=evidence.bursts_on_links,
    ),
    Capability(
        claim="Latency under load is predicted in closed form",
        proofs=("experiments/noc_analytical",),
        evidence=evidence.queueing,
    ),
)

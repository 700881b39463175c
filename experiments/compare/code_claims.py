"""Capabilities of boundary codes, their entropy models and their front."""

from __future__ import annotations

import evidence
from capability import Capability, tests

__all__ = ["CODES"]

CODES = (
    Capability(
        claim="Bits at equal quality: learned spikes, the best dense control, the entropy bottleneck",
        proofs=("experiments/pareto",),
        evidence=evidence.equal_quality,
    ),
    Capability(
        claim="Real coded bytes against the estimate of the learned entropy model",
        proofs=(
            "experiments/pareto",
            *tests(
                "spiking/test_spiking_priors",
                "bits_that_training_expects_are_those_of_the_tables_that_the_wire_codes_with",
            ),
        ),
        evidence=evidence.estimates,
    ),
    Capability(
        claim="What a boundary costs before it is trained: principal axes, Fisher information, tokens that cross, too",
        proofs=(
            "experiments/pareto",
            *tests(
                "spiking/test_spiking_calibration", "axes_that_the_answers_feel_lose_less_of_the_task_than_the_widest"
            ),
        ),
        evidence=evidence.calibration,
    ),
    Capability(
        claim="Every code sends whole numbers within its span, misses no more than it promises, and has gradients",
        proofs=tests(
            "spiking/test_spiking_code_values",
            "few_spikes_miss_less_than_a_threshold_within_their_range",
            "the_memory_of_a_stream_is_never_more_than_a_threshold_off",
            "finite_gradients_reach_current_threshold_and_a_leak_that_counts",
        ),
    ),
    Capability(
        claim="Positions that matter less are sent in coarser steps, down to nothing",
        proofs=tests("spiking/test_spiking_boundary", "positions_that_matter_less_are_sent_in_coarser_steps"),
    ),
    Capability(
        claim="One boundary offers several targets, to choose from at run time; one resumable training holds them all",
        proofs=(
            "experiments/pareto",
            *tests(
                "training/test_training_loop",
                "one_run_holds_every_rate_at_its_target",
                "an_interrupted_run_of_several_rates_ends_in_the_same_weights",
            ),
        ),
        evidence=evidence.chosen_target,
    ),
    Capability(
        claim="Training and the wire choose the same table for each symbol",
        proofs=tests("spiking/test_spiking_priors", "training_and_the_wire_choose_the_same_table_for_each_symbol"),
    ),
    Capability(
        claim="Entropy-coded frames: exact, equal to a plain twin, bounded, 20,000 corrupted payloads refused",
        proofs=tests(
            "wire/test_wire_ranged",
            "what_is_packed_is_unpacked_exactly",
            "packed_bytes_equal_those_of_the_plain_coder",
            "no_frame_is_longer_than_the_worst_case",
        )
        + tests("wire/test_wire_ranged_corruption", "of_many_mutations_of_a_frame_none_passes"),
    ),
    Capability(
        claim="A boundary that falls silent or saturates is brought back, and it is said",
        proofs=tests(
            "training/test_training_rescue",
            "a_silent_boundary_is_brought_back_and_it_is_said",
            "a_saturated_boundary_is_brought_back_and_it_is_said",
        ),
    ),
    Capability(
        claim="A front is resumed code by code, and marks what is dominated",
        proofs=(
            *tests("study/test_study_front", "an_interrupted_front_goes_on_and_ends_in_the_same_points"),
            *tests(
                "study/test_study_dominance",
                "an_entry_is_dominated_when_another_is_no_worse_in_both_and_better_in_one",
            ),
            *tests("cli/test_cli_pareto", "an_interruption_keeps_what_is_finished"),
        ),
    ),
)
"""What the study of boundary codes shows."""

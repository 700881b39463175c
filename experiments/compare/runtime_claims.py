"""Capabilities of the runtime: real processes, codecs, serving, probing and advice."""

from __future__ import annotations

import runtime_evidence
from capability import Capability, tests

__all__ = ["RUNTIME"]

RUNTIME = (
    Capability(
        claim="Speed over a shaped link against fp16 transport, at equal quality",
        proofs=("experiments/runtime",),
        evidence=runtime_evidence.links,
    ),
    Capability(
        claim="Answers of processes are those of the whole model to the last bit, for 2 to 4 stages",
        proofs=tests("runtime/test_pipeline", "answers_are_those_of_one_process_and_bytes_those_of_the_formats")
        + tests("runtime/test_stages", "stages_say_what_the_whole_model_says_for_any_batch"),
    ),
    Capability(
        claim="Losses are those of one process under GPipe, 1F1B, interleaved, looped and zero-bubble schedules; "
        "gradients up to the order of sums",
        proofs=tests("runtime/test_pipeline", "losses_and_gradients_are_those_of_one_process"),
    ),
    Capability(
        claim="Bytes: frames are the simulator's bits exactly, and the network interface counts the same",
        proofs=(
            "experiments/runtime",
            *tests(
                "runtime/test_links_namespaces",
                "two_hosts_send_the_bytes_that_the_simulator_predicts_and_their_interfaces_count",
            ),
            *tests("runtime/test_pipeline", "the_simulator_foretells_the_frames"),
        ),
        evidence=runtime_evidence.interface_bytes,
    ),
    Capability(
        claim="Codecs: fast, short, equal to plain twins, and sound against whatever comes",
        proofs=(
            "benchmarks/wire",
            *tests(
                "wire/test_wire_codecs",
                "bitmap_address_and_dense_frames_are_those_that_the_simulator_counts",
                "the_range_codec_is_within_6_percent_of_the_entropy",
            ),
            *tests("wire/test_wire_codecs_corruption", "changed_payloads_with_a_sound_checksum_do_no_harm"),
        ),
        evidence=runtime_evidence.codecs,
    ),
    Capability(
        claim="A killed training goes on and ends like the unbroken one",
        proofs=(
            "experiments/runtime",
            *tests("runtime/test_snapshots", "a_run_that_was_killed_ends_as_the_unbroken_one"),
        ),
        evidence=runtime_evidence.kills,
    ),
    Capability(
        claim="Killed, stopped, garbled and disagreeing ranks end in named faults in bounded time, never a hang",
        proofs=tests(
            "runtime/test_faults",
            "all_others_end_by_name_and_in_time",
            "ranks_that_differ_are_refused_by_the_field_before_anything_moves",
        ),
    ),
    Capability(
        claim="20,000 mutated messages are refused; none becomes another tensor",
        proofs=tests("runtime/test_messages", "mutated_messages_are_refused_and_never_become_another_tensor"),
    ),
    Capability(
        claim="A part is served over TLS to many clients, malicious ones among them, to none without the token",
        proofs=tests(
            "runtime/test_serving_crowd",
            "of_a_hundred_clients_at_once_the_good_ones_get_exact_answers_over_tls",
            "strangers_that_flood_neither_are_served_nor_keep_others_out",
            "memory_is_bounded_whatever_clients_ask_for",
        ),
    ),
    Capability(
        claim="Advice says where spikes pay, and says don't; codecs follow the link while running",
        proofs=(
            "experiments/runtime",
            *tests("runtime/test_advising", "advice_says_do_not_where_it_is_fast_and_when_they_would_pay"),
            *tests("runtime/test_advising_auto", "auto_follows_when_the_rate_changes"),
        ),
        evidence=runtime_evidence.advice,
    ),
)

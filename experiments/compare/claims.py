"""Every capability with the test that proves it and, where it has one, its measured figure."""

from __future__ import annotations

from collections.abc import Mapping

from capability import Capability, Figure, tests
from code_claims import CODES
from figures import Result, quality
from network_claims import NETWORK
from runtime_claims import RUNTIME

__all__ = ["AREAS", "Capability"]


def _bits(result: Result) -> str:
    ann, hybrid = result["variants"]["ann"], result["variants"]["hybrid"]
    fewer = ann["link_bits_packed"] / hybrid["link_bits_packed"]
    against = f"quality {quality(hybrid)} against {quality(ann)}"
    return f"{fewer:.1f}x fewer bits ({hybrid['bits_per_boundary_element']:.2f} a boundary element), {against}"


def _controls(result: Result) -> str:
    chosen = {n: result["variants"][n] for n in ("hybrid", "low_rank", "one_bit") if n in result["variants"]}
    return "; ".join(f"{n} {quality(v)} at {v['bits_per_boundary_element']:.2f} bits" for n, v in chosen.items())


def _against(other: str) -> Figure:
    def figure(result: Result) -> str:
        ratios = result["ratios"].get(f"hybrid_over_{other}")
        if ratios is None:
            return f"no variant {other}"
        energy, latency = ratios["energy"], ratios["latency"]
        return f"energy x{energy:.2f} ({1 / energy:.2f}x efficiency), latency x{latency:.2f} ({1 / latency:.2f}x speed)"

    return figure


def _crossings(result: Result) -> str:
    found = result.get("sweeps", {})
    energy, latency = found.get("pays_above_pj_per_bit"), found.get("pays_below_bits_per_ns")
    first = f"energy wins above {energy:.2g} pJ/bit" if energy else "energy crosses one nowhere in the sweep"
    second = f"latency below {latency:.3g} Gb/s" if latency else "latency crosses one nowhere in the sweep"
    return f"{first}, {second}"


def _dominant(result: Result) -> str:
    first = next(iter(result["dominant_constants"]), None)
    return f"`{first['key']}` first, energy elasticity {first['energy_elasticity']:+.2f}" if first else "none"


def _frames(result: Result) -> str:
    """Largest deviation of real frames from the predicted bits, in bytes over the boundaries that are packed."""
    pairs = [
        (item["wire_bytes"], item["packed_bits"] / 8)
        for variant in result["variants"].values()
        for item in variant["boundaries"]
        if item.get("wire_bytes") is not None
    ]
    if not pairs:
        return "no boundary was packed"
    return f"{len(pairs)} boundaries, largest difference {max(abs(a - b) for a, b in pairs):.2f} bytes"


AREAS: Mapping[str, tuple[Capability, ...]] = {
    "The claim, as it comes out": (
        Capability(
            claim="Link bits of the hybrid against the packed dense network",
            proofs=("experiments/compare",),
            figure=_bits,
        ),
        Capability(
            claim="Quality at its traffic, beside the dense controls",
            proofs=("experiments/compare",),
            figure=_controls,
        ),
        Capability(
            claim="Energy and latency of the hybrid against the dense network",
            proofs=("experiments/compare",),
            figure=_against("ann"),
        ),
        Capability(
            claim="Energy and latency of the hybrid against the network that spikes everywhere",
            proofs=("experiments/compare",),
            figure=_against("snn"),
        ),
        Capability(
            claim="The link at which the answer turns is found",
            proofs=("experiments/compare",),
            figure=_crossings,
        ),
        Capability(
            claim="The constants on which the answer hangs are named",
            proofs=(
                "experiments/compare",
                *tests("hardware/test_hardware_scaling", "scaling_a_constant_changes_exactly_its_own_numbers"),
            ),
            figure=_dominant,
        ),
    ),
    "Boundaries that learn": (
        Capability(
            claim="Boundaries are put into any exported model from outside; its weights keep their names",
            proofs=tests(
                "spiking/test_spiking_insertion",
                "each_crossing_tensor_has_one_boundary_and_each_weight_its_name",
                "the_model_itself_is_left_as_it_was",
            ),
        ),
        Capability(
            claim="Gradients reach every weight through the spikes, also after export",
            proofs=(
                *tests("spiking/test_spiking_insertion", "gradients_reach_every_weight_through_the_boundaries"),
                *tests("kernels/test_kernels_fire", "gradient_of_the_exported_model_equals_the_eager_one"),
            ),
        ),
        Capability(
            claim="Calibration starts from the principal axes, which lose no more than random ones",
            proofs=tests("spiking/test_spiking_boundary", "principal_axes_lose_no_more_than_random_ones"),
        ),
        Capability(
            claim="The traffic objective holds the bits at a target without a weight to tune",
            proofs=tests("spiking/test_spiking_traffic", "objective_holds_the_bits_at_the_target"),
        ),
        Capability(
            claim="The compiled time loop equals its plain twin",
            proofs=tests(
                "kernels/test_kernels_scan",
                "compiled_and_plain_forward_loops_agree_exactly",
                "compiled_and_plain_backward_loops_agree",
            ),
        ),
    ),
    "Boundary codes": CODES,
    "Real processes and links": RUNTIME,
    "Training": (
        Capability(
            claim="An interrupted run ends like an unbroken one; equal seeds give equal curves to the last bit",
            proofs=tests(
                "training/test_training_loop",
                "a_run_that_was_interrupted_ends_like_an_unbroken_one",
                "equal_seeds_give_equal_curves_to_the_last_bit",
            ),
        ),
        Capability(
            claim="The weights that are kept meet the traffic target; a missed target and a silent boundary are said",
            proofs=tests(
                "training/test_training_loop",
                "a_traffic_target_is_met_by_the_weights_that_are_kept",
                "a_missed_target_is_said",
                "a_silent_boundary_is_said",
            ),
        ),
        Capability(
            claim="The language model's parallel and recurrent forms agree in values and gradients",
            proofs=tests("models/test_models_wkv", "parallel_and_recurrent_forms_agree_in_values_and_gradients"),
        ),
    ),
    "Packets": (
        Capability(
            claim="Predicted bits are those of the frame that is really packed",
            proofs=(
                *tests("wire/test_wire_formats", "frame_has_the_bits_that_were_promised_and_less_than_a_byte_more"),
                *tests("tracing/test_tracing_traffic", "packed_rows_of_a_hybrid_have_the_bits_that_the_edges_say"),
            ),
            figure=_frames,
        ),
        Capability(
            claim="What is packed is unpacked exactly",
            proofs=tests("wire/test_wire_formats", "what_is_packed_is_unpacked_exactly"),
        ),
        Capability(
            claim="The cheapest format is chosen",
            proofs=tests(
                "wire/test_wire_sizing", "cheapest_never_needs_more_bits_than_a_format_that_can_carry_the_events"
            ),
        ),
        Capability(
            claim="Damaged frames are refused",
            proofs=tests("wire/test_wire_corruption", "no_flip_of_a_single_bit_of_a_small_frame_passes"),
        ),
    ),
    "From a model to a workload": (
        Capability(
            claim="Operations equal torch's own counter",
            proofs=tests("tracing/test_tracing_counts", "macs_of_the_reference_networks_equal_torchs_own_counter"),
        ),
        Capability(
            claim="Event-driven layers are charged for the events that arrive, and nothing else",
            proofs=tests("tracing/test_tracing_counts", "event_driven_layers_add_once_for_each_event_and_synapse"),
        ),
        Capability(
            claim="Activity is measured on real inputs",
            proofs=tests(
                "tracing/test_tracing_traffic", "events_are_the_mean_of_the_non_zero_values_that_are_recorded"
            ),
        ),
        Capability(
            claim="Models that cannot be traced are refused in one line",
            proofs=tests("tracing/test_tracing_refusals", "control_flow_that_depends_on_values_is_refused_in_one_line"),
        ),
    ),
    "Machines": (
        Capability(
            claim="Every number of a preset has its unit and its source",
            proofs=tests(
                "hardware/test_hardware_loading", "every_number_of_a_preset_has_a_source_that_says_how_it_was_obtained"
            ),
        ),
        Capability(
            claim="All mistakes of a system file are explained at once",
            proofs=tests(
                "hardware/test_hardware_mistakes", "all_mistakes_are_reported_at_once_in_the_order_of_the_file"
            ),
        ),
    ),
    "Mapping and simulation": (
        Capability(
            claim="The partition is as good as the best of all cuts",
            proofs=tests("mapping/test_mapping_partition", "partition_is_as_good_as_the_best_of_all_cuts"),
        ),
        Capability(
            claim="What does not fit is answered with the missing bits and a lever",
            proofs=tests("mapping/test_mapping_partition", "infeasible_always_misses_some_bits_and_names_a_lever"),
        ),
        Capability(
            claim="No swap of two cores improves a placement",
            proofs=tests("mapping/test_mapping_place", "arrangement_is_one_that_no_swap_improves"),
        ),
        Capability(
            claim="Link loads are those of walking every route hop by hop",
            proofs=tests("simulation/test_simulation_loads", "loads_are_those_of_walking_every_route_hop_by_hop"),
        ),
        Capability(
            claim="Each constant scales its own part of the energy, and nothing else",
            proofs=tests(
                "simulation/test_simulation_energy", "a_constant_scales_its_own_component_exactly_and_leaves_all_else"
            ),
        ),
        Capability(
            claim="Latency is never below the critical path, and no faster part lets fewer inferences through",
            proofs=tests(
                "simulation/test_simulation_time",
                "latency_is_at_least_the_critical_path_of_the_computation",
                "more_of_a_resource_never_lets_fewer_inferences_through",
            ),
        ),
    ),
    "The network, cycle by cycle": NETWORK,
    "Comparisons": (
        Capability(
            claim="A second run trains nothing and gives the equal result; other links train nothing again",
            proofs=(
                *tests("study/test_study_cache", "the_second_run_trains_nothing_and_gives_the_equal_result"),
                *tests("study/test_study_conservation", "other_links_train_nothing_again"),
            ),
        ),
        Capability(
            claim="An interrupted comparison goes on where it was",
            proofs=tests(
                "study/test_study_cache", "an_interrupted_run_goes_on_where_it_was_and_ends_in_the_same_result"
            ),
        ),
        Capability(
            claim="All variants are trained for the same number of steps",
            proofs=tests("study/test_study_result", "all_variants_were_trained_for_the_same_number_of_steps"),
        ),
        Capability(
            claim="The verdict says that it pays only at equal quality, when nothing is worse and something is better",
            proofs=tests(
                "study/test_study_verdict",
                "it_pays_only_at_equal_quality_when_nothing_is_worse_and_something_is_better",
            ),
        ),
        Capability(
            claim="At the links at which the answer turns the two are equal",
            proofs=tests("study/test_study_judge", "at_the_crossings_the_two_are_equal"),
        ),
        Capability(
            claim="A network of the user's own is compared like any other",
            proofs=tests("study/test_study_network", "an_own_network_is_compared_like_any_other"),
        ),
    ),
    "Data": (
        Capability(
            claim="Splits are fixed and disjoint; files are held against known checksums",
            proofs=(
                *tests("data/test_data_sets", "digits_splits_are_disjoint_and_cover_every_image"),
                *tests("data/test_data_files", "wrong_content_is_refused_with_expected_and_found_checksum"),
            ),
        ),
    ),
    "What people see": (
        Capability(
            claim="Every number of the report page is the number of the result",
            proofs=tests("views/test_views_html", "every_tied_number_of_the_page_is_the_number_of_the_result"),
        ),
        Capability(
            claim="The report page is one file that loads nothing",
            proofs=tests("views/test_views_html", "page_loads_nothing_and_runs_nothing"),
        ),
        Capability(
            claim="A verdict against the hybrid is said plainly",
            proofs=tests("views/test_views_terminal", "verdict_against_the_hybrid_is_said_plainly"),
        ),
    ),
    "The command line": (
        Capability(
            claim="A comparison leaves a result, a report and a trace, and prints the verdict",
            proofs=tests("cli/test_cli_answers", "a_comparison_leaves_result_report_and_trace_and_prints_the_verdict"),
        ),
        Capability(
            claim="Mistakes are told with what was meant, where, and what helps",
            proofs=tests(
                "cli/test_cli_mistakes",
                "an_unknown_dataset_is_refused_with_the_name_that_was_meant",
                "a_wrong_system_file_is_refused_with_file_and_line",
                "a_network_that_does_not_fit_is_told_demand_bound_gap_and_lever",
            ),
        ),
        Capability(
            claim="Processes at once give the same result as one; an interruption says how to go on",
            proofs=tests(
                "cli/test_cli_faults",
                "processes_at_once_give_the_same_result_as_one",
                "an_interruption_says_how_to_go_on",
            ),
        ),
    ),
    "The project": (
        Capability(
            claim="Floors hold, and the simulator never imports torch",
            proofs=(
                *tests("house/test_house_imports", "import_contracts_hold", "the_simulator_side_starts_without_torch"),
            ),
        ),
        Capability(
            claim="The wheel installs and its command runs",
            proofs=tests("house/test_house_wheel", "the_installed_wheel_runs_and_finds_its_data"),
        ),
    ),
}

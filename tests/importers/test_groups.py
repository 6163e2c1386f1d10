"""Which group a synapse type belongs to, and the files that say so."""

import pytest

from synreduce.errors import ConfigurationError, DataError
from synreduce.importers import ImportOptions
from synreduce.importers.groups import SynapseTypeRules, group_signs
from synreduce.importers.network_parameters import read_network_parameters, receptor_groups


def test_default_lists():
    rules = SynapseTypeRules()
    excitatory = "L2 L34 L4py L4sp L4ss L5st L5tt L6cc L6ccinv L6ct VPM EXC"
    for name in excitatory.split():
        assert rules.group_of(f"{name}_C2") == rules.group_of(name) == "EXC"
    inhibitory = "L1 L23Trans L45Peak L45Sym L56Trans SymLocal1 SymLocal6 INH"
    for name in inhibitory.split():
        assert rules.group_of(f"{name}_Gamma") == rules.group_of(name) == "INH"
    for name in ("L5x_C2", "SymLocal7_C2", "l5tt_C2", "", "_C2", "L5tt_C2_D2", "L5tt_"):
        assert rules.group_of(name) is None


def test_order_of_the_rules():
    receptors = {"L1_C2": "INH", "L5tt_C2": "INH", "New_C2": "EXC"}
    rules = SynapseTypeRules({"L6.*": "INH", "VPM_C2": "A", "VPM": "B"}, receptors)
    assert rules.group_of("VPM_C2") == "A"
    assert rules.group_of("VPM_D2") == "B"
    assert rules.group_of("L6ct_C2") == "INH"
    assert rules.group_of("L5tt_C2") == "INH"
    assert rules.group_of("L5tt_D2") == "EXC"
    assert rules.group_of("New_C2") == "EXC"
    assert rules.group_of("L1_C2") == "INH"
    assert SynapseTypeRules({}, receptors, l1_excitatory=True).group_of("L1_C2") == "EXC"
    assert SynapseTypeRules({"L1": "INH"}, l1_excitatory=True).group_of("L1_C2") == "INH"


def test_signs():
    options = ImportOptions(type_map={"a": "X", "b": "Y"}, group_signs={"Y": -1})
    assert group_signs(options) == {"EXC": 1, "INH": -1, "X": 1, "Y": -1}
    for signs in ({"Y": 2}, {"EXC": -1}):
        with pytest.raises(ConfigurationError, match="group_signs"):
            group_signs(ImportOptions(group_signs=signs))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("isf_simrun", {"L1_C2": "INH", "L45Peak_C2": "INH"}), ("isf_simrun_new", {"L5tt_C2": "EXC"})],
)
def test_parameter_files_of_both_variants(shared_data, folder, expected):
    path = shared_data / folder / "network_model_excerpt.param"
    groups = receptor_groups(read_network_parameters(path), path)
    assert expected.items() <= groups.items()
    assert set(groups.values()) == {"EXC", "INH"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{'network': open('/etc/passwd')}", "something other than numbers"),
        ("{'network': {", "neither JSON nor a Python literal"),
        ("[1, 2]", "has no 'network'"),
        ("(" * 10_000, "param"),
        (
            "{'network': {'A': {'synapses': {'receptors': {'gaba_syn': 1, 'glutamate_syn': 1}}}}}",
            "both",
        ),
    ],
)
def test_parameter_files_are_never_evaluated(tmp_path, text, what):
    path = tmp_path / "x_network_model.param"
    path.write_text(text)
    with pytest.raises(DataError, match=what):
        receptor_groups(read_network_parameters(path), path)

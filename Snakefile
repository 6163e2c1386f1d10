# Entry of the workflow: `snakemake --cores 2` runs the built-in example, `--configfile` another run.
from snakemake.utils import min_version

min_version("9.0")


include: "rules/common.smk"
include: "rules/database.smk"
include: "rules/chunks.smk"
include: "rules/result.smk"


rule all:
    default_target: True
    input:
        RUN.targets(),
    localrule: True
    # In place of the list of all files, which Snakemake prints for a rule without a message.
    message:
        "Completing run {RUN.configuration.run}"

rule merge:
    input:
        inputs=RUN.paths.inputs,
        batches=RUN.batch_records("fit"),
    output:
        merged=RUN.paths.merged,
        scores=report(
            RUN.paths.scores,
            caption="../workflow/report/scores.rst",
            category="Scores",
        ),
        run_record=RUN.paths.run_record,
    log:
        RUN.log("merge"),
    benchmark:
        RUN.benchmark("merge")
    conda:
        "../envs/synreduce.yaml"
    threads: job_threads()
    resources:
        **several_nodes(),
        mem_mb=memory_of("merge"),
        runtime=runtime_of("merge"),
    params:
        identity=RUN.merge_identity,
    message:
        "Merging all chunks into {output.merged}"
    script:
        "../workflow/scripts/merge.py"


rule plot:
    input:
        RUN.paths.merged,
    output:
        report(
            RUN.figures,
            caption="../workflow/report/figures.rst",
            category="Figures",
        ),
    log:
        RUN.log("plot"),
    benchmark:
        RUN.benchmark("plot")
    conda:
        "../envs/synreduce.yaml"
    resources:
        mem_mb=memory_of("plot"),
        runtime=runtime_of("plot"),
    message:
        "Drawing the figures"
    script:
        "../workflow/scripts/plot.py"


rule report:
    input:
        merged=RUN.paths.merged,
        scores=RUN.paths.scores,
    output:
        RUN.paths.report,
    log:
        RUN.log("report"),
    benchmark:
        RUN.benchmark("report")
    conda:
        "../envs/synreduce.yaml"
    resources:
        mem_mb=memory_of("report"),
        runtime=runtime_of("report"),
    message:
        "Writing the report {output}"
    script:
        "../workflow/scripts/report.py"

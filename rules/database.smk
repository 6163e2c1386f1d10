if RUN.makes_example:

    rule example:
        output:
            RUN.example_database,
        log:
            RUN.log("example"),
        benchmark:
            RUN.benchmark("example")
        conda:
            "../envs/synreduce.yaml"
        threads: job_threads()
        resources:
            mem_mb=memory_of("example"),
            runtime=runtime_of("example"),
        params:
            options=RUN.example_options,
        message:
            "Writing the example database {output}"
        script:
            "../workflow/scripts/example.py"


rule check:
    input:
        RUN.databases,
    output:
        RUN.paths.inputs,
    log:
        RUN.log("check"),
    benchmark:
        RUN.benchmark("check")
    # Seconds of one core: as a job of its own it would wait longer than it works.
    localrule: True
    conda:
        "../envs/synreduce.yaml"
    resources:
        mem_mb=memory_of("check"),
        runtime=runtime_of("check"),
    params:
        fingerprint=RUN.known_fingerprint,
    message:
        "Checking the configuration against the databases"
    script:
        "../workflow/scripts/check.py"

rule project:
    input:
        databases=RUN.databases,
        inputs=RUN.paths.inputs,
    output:
        RUN.batch_pattern("project"),
    log:
        RUN.log("project", "{batch}"),
    benchmark:
        RUN.benchmark("project", "{batch}")
    conda:
        "../envs/synreduce.yaml"
    threads: job_threads()
    resources:
        mem_mb=memory_of("project"),
        runtime=runtime_of("project"),
    params:
        identity=identity_of("project"),
    message:
        "Projecting chunks {wildcards.batch}"
    script:
        "../workflow/scripts/project.py"


rule fit:
    input:
        RUN.batch_pattern("project"),
    output:
        RUN.batch_pattern("fit"),
    log:
        RUN.log("fit", "{batch}"),
    benchmark:
        RUN.benchmark("fit", "{batch}")
    conda:
        "../envs/synreduce.yaml"
    threads: job_threads()
    resources:
        **several_nodes(),
        mem_mb=memory_of("fit"),
        runtime=runtime_of("fit"),
    params:
        identity=identity_of("fit"),
    message:
        "Fitting chunks {wildcards.batch}"
    script:
        "../workflow/scripts/fit.py"

#!/bin/sh
# State of a PBS job, as Snakemake wants it: running, success or failed.
if ! shown=$(qstat -x -f "$1" 2>&1); then
    case $shown in
    # Forgotten by PBS: sent again, the job finds what is done already.
    *"Unknown Job"*) echo failed ;;
    # No answer: asked again later.
    *) echo running ;;
    esac
    exit 0
fi
case $shown in
*"job_state = F"* | *"job_state = C"*)
    case $shown in
    *[Ee]"xit_status = 0"*) echo success ;;
    *) echo failed ;;
    esac
    ;;
*) echo running ;;
esac

#!/bin/sh
# State of an LSF job, as Snakemake wants it: running, success or failed.
case $(bjobs -noheader -o stat "$1" 2>&1) in
DONE*) echo success ;;
EXIT*) echo failed ;;
# Forgotten by LSF: sent again, the job finds what is done already.
*"is not found"* | *"Illegal job ID"*) echo failed ;;
*) echo running ;;
esac

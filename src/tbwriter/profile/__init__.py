"""The Profile dashboard: where the time of a step goes.

`FileWriter.profile` records a program; `tbwriter.mxnet.profile` also records MXNet's operators.
"""

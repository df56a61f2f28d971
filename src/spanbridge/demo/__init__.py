"""`spanbridge demo`: an agent that answers questions about the distributions installed on this machine, traced.

model_server    an OpenAI-compatible server on 127.0.0.1; `policy` is its model
client          HTTP to that server
packages        the installed distributions, as an SQLite database and as tools
memory          what the agent remembers between questions
agent           the loop: ask the model, run its tools, until it answers
report          delivering the result, with credentials and a retry
inventory       the whole job as a workflow

Everything in it that traces uses the public API alone, as an application would: `import spanbridge as sb`.
"""

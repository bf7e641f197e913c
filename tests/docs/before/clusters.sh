# The job of a reader, and its result.
cat > job.yaml <<'END'
model: {family: gpt2, layers: 1, width: 8, context: 16}
data: {text: docs/faq.md, sequences: 2}
hessian: {scope: blocks, only: ["*.h.0.*"]}
END
hesse run job.yaml --output result.h5

cat > job.yaml <<'END'
model: {family: gpt2, layers: 1, width: 8, context: 16}
data: {text: docs/faq.md, sequences: 8}
END

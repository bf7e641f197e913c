cat > job.yaml <<'END'
model: {family: gpt2, layers: 1, heads: 2, width: 8, context: 16, seed: 1}
data: {text: docs/faq.md, vocabulary: characters, sequences: 2}
END

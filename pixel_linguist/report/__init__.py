"""What a run left, as something to look at: plots, pictures of pairs, one page of HTML."""

"""render: campaigns, briefs, pictures of twins, their marks, and what is known of any picture."""

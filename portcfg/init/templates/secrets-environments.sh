# Which environments of specs/portcfg.yaml the workflows go through, in this order.
gh variable set PORT_ENVIRONMENTS --body '@LIST@'
# Jobs that plan use the secrets of port-plan-NAME, those that apply the secrets of port-NAME, and so on.
for name in @ENVIRONMENTS@; do
  gh api --method PUT "repos/{owner}/{repo}/environments/$name" --silent
  gh secret set PORT_CLIENT_ID --env "$name"
  gh secret set PORT_CLIENT_SECRET --env "$name"
  # Which Port is theirs, as specs/portcfg.yaml says it: a `base_url` in a pull request then changes nothing.
  gh variable set PORT_BASE_URL --env "$name" --body https://api.port.io
done
# Signs plans: nobody without it can make one that counts as reviewed.
gh secret set PORTCFG_PLAN_KEY --body "$(openssl rand -hex 32)"

-- Health of a SealedSecret for Argo CD. The function body gets the object as `obj` and returns status and message.
local health = { status = "Progressing", message = "Waiting for the controller" }
if obj.status == nil then
  return health
end

local generation = obj.metadata.generation
local observed = obj.status.observedGeneration
if observed ~= nil and generation ~= nil and observed < generation then
  health.message = "Waiting for the controller to see the change"
  return health
end

-- These pass without anybody doing something; everything else waits for a person.
local transient = {
  ApiConflict = true,
  ApiUnavailable = true,
  RendererBusy = true,
  WaitingForGarbageCollection = true,
}

for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Synced" then
    local reason = condition.reason or ""
    health.message = condition.message or ""
    if reason ~= "" and health.message ~= "" then
      health.message = reason .. ": " .. health.message
    end
    if condition.status == "True" then
      health.status = "Healthy"
    elseif condition.status == "False" and not transient[reason] then
      health.status = "Degraded"
    end
    return health
  end
end
return health
